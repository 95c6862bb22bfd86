/** The tabs that GraphiQL opens with, in the order in which a newcomer would use them. */

import type { GraphiQLProps } from "graphiql";

type Tabs = NonNullable<GraphiQLProps["defaultTabs"]>;

const json = (value: unknown): string => JSON.stringify(value, null, 2);

// In GraphiQL's default layout on a laptop, 48 columns are seen of a line: tabs.test.ts counts.
// GraphiQL leaves out the first tab's variables, so the first has none.
const LOOK = `# Look round: the model in service and the
# news, for everyone. The next tabs lead through
# an account, your images, subscriptions and,
# for admins, retraining.
query Look {
  model {
    number head trainedOn
    evaluation {
      sensitivity { value low high }
      specificity { value low high }
      auc { value low high }
    }
  }
  news(first: 3) { nodes { title publishedAt } }
}`;

const SIGN_UP = `# 1. Make an account. A mail with a link comes;
#    without a mail server it is a file in the
#    server's data folder, under mail.
mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    user { id email emailVerified }
    errors { code message path }
  }
}`;

const SIGN_IN = `# 2. Sign in. With "cookie" it is for all tabs
#    of this browser, until you sign out or
#    close it; without, the answer brings a
#    token, as programs use it. "Authorization"
#    under Headers goes before the cookie.
mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    token
    user { email role }
    errors { code message path }
  }
}

mutation SignOut {
  signOut { signedOut }
}

query WhoAmI {
  viewer { email name role }
}`;

const IMAGES = `# 3. Files go up on the page Examine, or by
#    curl: README has the command. Then look
#    here at what the model found, and label
#    what you know.
#    For research, not for diagnosis.
query MyImages {
  images(first: 10) {
    totalCount
    nodes {
      id filename uploadedAt predictionState
      prediction {
        finding probability abstained view
        model { number }
      }
      label { finding evidence }
    }
  }
}

mutation Label($input: SubmitLabelInput!) {
  submitLabel(input: $input) {
    label { finding evidence }
    retraining { newLabels threshold }
    errors { code message }
  }
}`;

const PREDICTIONS = `# 4. Start this, then upload: each finding
#    appears as it is made. A cursor given as
#    "after" replays what came since.
subscription Predictions {
  predictionMade {
    cursor
    prediction {
      finding probability abstained view
      image { filename }
    }
  }
}`;

const RETRAIN = `# Admins: retrain now rather than at the
# threshold.
mutation Retrain {
  requestRetraining {
    run { id state labels epochs }
    errors { code message }
  }
}

mutation Cancel {
  cancelRetraining {
    run { state }
    errors { code message }
  }
}

query Status {
  retraining {
    newLabels threshold
    run { state epoch epochs loss }
  }
}`;

const WATCH = `# Admins: watch a run, epoch by epoch, to its
# verdict.
subscription Progress {
  trainingProgress {
    cursor
    run {
      state epoch epochs loss error
      model { number verdict }
    }
  }
}

subscription Promotions {
  modelPromoted {
    cursor
    model { number }
    previous { number }
  }
}`;

const PROMOTE = `# Admins: every version with its verdict, when
# it served, by whose decision and why. Any
# earlier one can go into service again.
query Models {
  models(first: 20) {
    nodes {
      id number state head trainedOn verdict
      cardUrl audit { verdict }
      deployments {
        since until reason
        decidedBy { name }
      }
      evaluation {
        sensitivity { value low high }
        specificity { value low high }
        auc { value low high }
      }
    }
  }
}

mutation Promote($input: PromoteModelInput!) {
  promoteModel(input: $input) {
    model { number state }
    errors { code message }
  }
}`;

const NEWS = `# Admins: publish news, in Markdown, for
# everyone.
mutation Publish($input: PublishNewsInput!) {
  publishNews(input: $input) {
    post { id title publishedAt }
    errors { code message path }
  }
}

query News {
  news(first: 3) {
    nodes { id title body publishedAt }
  }
}`;

export const TABS: Tabs = [
  { query: LOOK },
  { query: SIGN_UP, variables: json({ input: { name: "Ana", email: "ana@example.org", password: "" } }) },
  { query: SIGN_IN, variables: json({ input: { email: "ana@example.org", password: "", cookie: true } }) },
  { query: IMAGES, variables: json({ input: { imageId: "", finding: "COVID", evidence: "RT_PCR" } }) },
  { query: PREDICTIONS },
  { query: RETRAIN },
  { query: WATCH },
  { query: PROMOTE, variables: json({ input: { id: "", reason: "" } }) },
  { query: NEWS, variables: json({ input: { title: "", body: "" } }) },
];
