/** What administrators look at: models, runs, policies and users. */

import { graphql } from "relay-runtime";

export const platform = graphql`
  query platformQuery($count: Int = 20, $cursor: String) {
    model { ...platformModel }
    retraining { newLabels threshold run { ...platformRun } }
    ...platformModels
    ...platformRuns
    ...platformPolicies
    ...platformUsers
    ...platformNews
  }
`;

graphql`
  fragment platformModel on ModelVersion @refetchable(queryName: "platformModelRefetch") {
    number
    state
    verdict
    evaluation { sensitivity { value low high } specificity { value low high } auc { value low high } }
  }
`;

graphql`
  fragment platformRun on TrainingRun @refetchable(queryName: "platformRunRefetch") {
    state
    epoch
    epochs
    loss
    reason
  }
`;

graphql`
  fragment platformModels on Query @refetchable(queryName: "platformModelsRefetch") {
    models(first: $count, after: $cursor) @connection(key: "platform_models") { edges { node { ...platformModel } } }
  }
`;

graphql`
  fragment platformRuns on Query @refetchable(queryName: "platformRunsRefetch") {
    trainingRuns(first: $count, after: $cursor) @connection(key: "platform_trainingRuns") {
      edges { node { ...platformRun } }
    }
  }
`;

graphql`
  fragment platformPolicies on Query @refetchable(queryName: "platformPoliciesRefetch") {
    retrainingPolicies(first: $count, after: $cursor) @connection(key: "platform_retrainingPolicies") {
      edges { node { ...platformPolicy } }
    }
  }
`;

graphql`
  fragment platformPolicy on RetrainingPolicy @refetchable(queryName: "platformPolicyRefetch") {
    threshold
    changedAt
    changedBy { name }
  }
`;

graphql`
  fragment platformUsers on Query @refetchable(queryName: "platformUsersRefetch") {
    users(first: $count, after: $cursor) @connection(key: "platform_users") { edges { node { name role } } }
  }
`;

graphql`
  fragment platformNews on Query @refetchable(queryName: "platformNewsRefetch") {
    news(first: $count, after: $cursor) @connection(key: "platform_news") {
      edges { node { title body author { name } } }
    }
  }
`;

export const publish = graphql`
  mutation platformPublishMutation($input: PublishNewsInput!, $connections: [ID!]!) {
    publishNews(input: $input) {
      post @prependNode(connections: $connections, edgeTypeName: "NewsPostEdge") { title }
      errors { code message path }
    }
  }
`;

export const progress = graphql`
  subscription platformProgressSubscription($after: Cursor) {
    trainingProgress(after: $after) { cursor run { ...platformRun } }
  }
`;
