/** What a list shows of an image. */

import { graphql, type ResultOf } from "../graphql/graphql";

export const IMAGE_ROW = graphql(`fragment ImageRow on Image {
  id filename patientRef uploadedAt thumbnailUrl predictionState failure labelConflict
  prediction { id finding probability abstained view model { number } }
  label { finding evidence }
}`);

export type ImageRow = ResultOf<typeof IMAGE_ROW>;

/** The address of an image's page. */
export const pageOf = (id: string): string => `/examine/${encodeURIComponent(id)}`;
