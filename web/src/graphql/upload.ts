/** Sends one image as the GraphQL multipart request specification says, and tells how far it has come. */

import { stringifyDocument } from "urql";
import { IMAGE_ROW, type ImageRow } from "../images/imageRow";
import { type Failure, failureOf } from "./failure";
import { graphql, type ResultOf, type VariablesOf } from "./graphql";
import { ENDPOINT } from "./request";
import type { Problem } from "./useMutate";

const UPLOAD = graphql(
  `mutation Upload($input: UploadImagesInput!) {
  uploadImages(input: $input) {
    errors { code message path retryAfter }
    results {
      image { ...ImageRow }
      duplicateOf { ...ImageRow }
      errors { code message path }
    }
  }
}`,
  [IMAGE_ROW],
);

export type UploadDetails = Pick<VariablesOf<typeof UPLOAD>["input"], "label" | "evidence" | "patientRef">;

export type Sent =
  | { status: "stored"; image: ImageRow }
  | { status: "repeated"; image: ImageRow }
  | { status: "refused"; problems: Problem[] }
  /** Too much waits there; in so many seconds there is room. */
  | { status: "later"; seconds: number }
  | { status: "failed"; failure: Failure };

/** The form of an upload: the file's place in the variables is null, and the map says what belongs there. */
export function formOf(file: File, details: UploadDetails): FormData {
  const form = new FormData();
  const variables = { input: { ...details, files: [null] } };
  form.append("operations", JSON.stringify({ query: stringifyDocument(UPLOAD), variables }));
  form.append("map", JSON.stringify({ 0: ["variables.input.files.0"] }));
  form.append("0", file, file.name);
  return form;
}

interface Answer {
  data?: ResultOf<typeof UPLOAD> | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/** What an answer says of the one file. */
export function sentOf(answer: Answer): Sent {
  if (!answer.data) return failed(answer.errors ?? []);
  const { errors, results } = answer.data.uploadImages;
  const [limited] = errors.filter(({ code }) => code === "RATE_LIMITED");
  if (limited?.retryAfter) return { status: "later", seconds: limited.retryAfter };
  const [result] = results;
  if (result?.image) return { status: "stored", image: result.image };
  if (result?.duplicateOf) return { status: "repeated", image: result.duplicateOf };
  return { status: "refused", problems: [...errors, ...(result?.errors ?? [])] };
}

function failed(errors: NonNullable<Answer["errors"]>): Sent {
  const failure = failureOf(errors);
  const seconds = errors[0]?.extensions?.retryAfter;
  return failure.kind === "RATE_LIMITED" && typeof seconds === "number"
    ? { status: "later", seconds }
    : { status: "failed", failure };
}

const UNREACHABLE: Sent = { status: "failed", failure: { kind: "UNREACHABLE", message: "" } };

function readAnswer(text: string): Sent {
  try {
    return sentOf(JSON.parse(text) as Answer);
  } catch {
    return UNREACHABLE;
  }
}

/** XMLHttpRequest, since fetch does not tell how much of a body has gone. `progress` hears shares, 0 to 1. */
export function upload(file: File, details: UploadDetails, progress: (share: number) => void): Promise<Sent> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    request.onload = () => resolve(readAnswer(request.responseText));
    request.onerror = () => resolve(UNREACHABLE);
    request.open("POST", ENDPOINT);
    request.setRequestHeader("accept", "application/json");
    // A form could come from any site; this header could not.
    request.setRequestHeader("GraphQL-Require-Preflight", "true");
    request.send(formOf(file, details));
  });
}
