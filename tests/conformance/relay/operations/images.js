/** The images of a user, page by page; one of them, asked for again; uploads and deletions that change the list. */

import { graphql } from "relay-runtime";

export const images = graphql`
  query imagesQuery($count: Int = 20, $cursor: String) {
    viewer { ...imagesViewer }
    ...imagesList
  }
`;

graphql`
  fragment imagesViewer on User { name email role }
`;

graphql`
  fragment imagesList on Query @refetchable(queryName: "imagesListRefetch") {
    images(first: $count, after: $cursor, filter: { labelled: false }) @connection(key: "imagesList_images") {
      totalCount
      edges { node { ...imagesImage } }
    }
  }
`;

graphql`
  fragment imagesImage on Image @refetchable(queryName: "imagesImageRefetch") {
    filename
    uploadedAt
    predictionState
    prediction { finding probability abstained }
  }
`;

graphql`
  fragment imagesLabels on Image
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "imagesLabelsRefetch") {
    labels(last: $count, before: $cursor) @connection(key: "imagesLabels_labels") {
      edges { node { finding evidence submittedBy { name } } }
    }
  }
`;

export const image = graphql`
  query imagesImageQuery($id: ID!) {
    node(id: $id) {
      ... on Image @alias(as: "image") { ...imagesImage ...imagesLabels }
    }
  }
`;

export const deletion = graphql`
  mutation imagesDeleteMutation($input: DeleteImageInput!, $connections: [ID!]!) {
    deleteImage(input: $input) {
      deletedId @deleteRecord @deleteEdge(connections: $connections)
      errors { code message path }
    }
  }
`;

export const upload = graphql`
  mutation imagesUploadMutation($input: UploadImagesInput!) {
    uploadImages(input: $input) {
      results { filename image { ...imagesImage } duplicateOf { id } errors { code message } }
      errors { code message path }
    }
  }
`;

export const label = graphql`
  mutation imagesLabelMutation($input: SubmitLabelInput!, $connections: [ID!]!) {
    submitLabel(input: $input) {
      label @appendNode(connections: $connections, edgeTypeName: "LabelEdge") { finding image { ...imagesImage } }
      errors { code message path }
    }
  }
`;

export const predictions = graphql`
  subscription imagesPredictionsSubscription($after: Cursor) {
    predictionMade(after: $after) { cursor prediction { image { ...imagesImage } } }
  }
`;
