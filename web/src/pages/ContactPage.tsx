/** Where anybody writes to the administrators. */

import { useState } from "react";
import { Field, TextField } from "../forms/Field";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { useViewer } from "../layout/Viewed";
import { contact } from "../texts/contact";
import { useText } from "../texts/useText";

const SEND = graphql(`mutation SendContactMessage($input: SendContactMessageInput!) {
  sendContactMessage(input: $input) { message { email } errors { code message path } }
}`);

export function ContactPage() {
  const text = useText(contact);
  const [answerTo, setAnswerTo] = useState<string | null>(null);
  if (answerTo !== null) {
    return (
      <Page title={text.sentTitle} width="narrow">
        <p>{text.sent(answerTo)}</p>
        <button type="button" className="btn btn-outline-primary" onClick={() => setAnswerTo(null)}>
          {text.another}
        </button>
      </Page>
    );
  }
  return (
    <Page title={text.title} width="narrow">
      <p>{text.lead}</p>
      <MessageForm done={setAnswerTo} />
    </Page>
  );
}

function MessageForm({ done }: { done: (answerTo: string) => void }) {
  const text = useText(contact);
  const viewer = useViewer();
  const [send] = useMutate(SEND);
  return (
    <Form
      // Who is signed in is known a moment later than the form is shown.
      key={viewer?.id}
      action={text.action}
      send={(value) =>
        send({
          input: {
            name: value("name"),
            email: value("email"),
            subject: value("subject"),
            body: value("body"),
          },
        })
      }
      done={({ message }) => done(message?.email ?? "")}
    >
      <Field name="name" label={text.name} autoComplete="name" defaultValue={viewer?.name} required />
      <Field
        name="email"
        label={text.email}
        hint={text.emailHint}
        type="email"
        autoComplete="email"
        defaultValue={viewer?.email}
        required
      />
      <Field name="subject" label={text.subject} required />
      <TextField name="body" label={text.body} required />
    </Form>
  );
}
