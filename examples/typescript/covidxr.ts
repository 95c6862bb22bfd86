/** A client of COVID-XR for browsers and Node: sign in, upload, listen, and resume where it stopped. */

import { Client, fetchExchange, stringifyDocument } from "@urql/core";
import { createClient } from "graphql-ws";
import { graphql, type ResultOf, type TadaDocumentNode } from "./graphql.js";

const SIGN_IN = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { token errors { code message path } }
  }
`);

const UPLOAD = graphql(`
  mutation Upload($input: UploadImagesInput!) {
    uploadImages(input: $input) {
      results { filename image { id } duplicateOf { id } errors { code message } }
      errors { code message path }
    }
  }
`);

const LAST_CURSOR = graphql(`query LastCursor { lastCursor }`);

const PREDICTIONS = graphql(`
  subscription Predictions($after: Cursor) {
    predictionMade(after: $after) {
      cursor
      prediction { finding probability abstained image { filename } }
    }
  }
`);

export type PredictionMade = ResultOf<typeof PREDICTIONS>["predictionMade"];

/** What stands in the way of a mutation, as data: each with its code, its place in the input, and words for people. */
export class Refused extends Error {
  constructor(readonly errors: readonly { code: string; message: string; path?: string[] | null }[]) {
    super(errors.map((error) => error.message).join("; "));
  }
}

/** A server, and a session there once somebody has signed in. */
export class CovidXR {
  readonly #address: string;
  readonly #token: string | null;
  readonly #client: Client;

  constructor(address: string, token: string | null = null) {
    this.#address = address;
    this.#token = token;
    this.#client = new Client({
      url: `${address}/graphql`,
      preferGetMethod: false,
      fetchOptions: { headers: token ? { authorization: `Bearer ${token}` } : {} },
      exchanges: [fetchExchange],
    });
  }

  /** The same server in a new session, good for two weeks. */
  async signIn(email: string, password: string): Promise<CovidXR> {
    const { signIn } = await this.#mutate(SIGN_IN, { input: { email, password } });
    if (signIn.errors.length > 0) throw new Refused(signIn.errors);
    return new CovidXR(this.#address, signIn.token);
  }

  /** A result for each file: what is wrong with one stops no other. */
  async upload(files: Blob[], patientRef: string | null = null) {
    const { uploadImages } = await this.#mutate(UPLOAD, { input: { files, patientRef } });
    if (uploadImages.errors.length > 0) throw new Refused(uploadImages.errors);
    return uploadImages.results;
  }

  /** The place of now: what happens from here on is heard of `after` it. */
  async lastCursor(): Promise<string> {
    const { data, error } = await this.#client.query(LAST_CURSOR, {});
    if (!data) throw error ?? new Error("The answer is empty");
    return data.lastCursor;
  }

  /** Predictions as they are made, those missed behind `after` first; a lost connection is made again. */
  async *predictions(after: string | null = null): AsyncGenerator<PredictionMade> {
    const socket = createClient({
      url: `${this.#address.replace("http", "ws")}/graphql`,
      connectionParams: this.#token ? { authorization: `Bearer ${this.#token}` } : {},
      keepAlive: 20_000,
      retryAttempts: 0, // it would subscribe with the first cursor again
    });
    try {
      for (;;) {
        try {
          const query = stringifyDocument(PREDICTIONS);
          for await (const { data, errors } of socket.iterate<ResultOf<typeof PREDICTIONS>>({
            query,
            variables: { after },
          })) {
            if (!data) throw errors;
            after = data.predictionMade.cursor;
            yield data.predictionMade;
          }
        } catch (reason) {
          // Errors of the operation come as a list. 4403: the token is good no more. All else passes.
          if (Array.isArray(reason) || (reason as CloseEvent).code === 4403) throw reason;
        }
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    } finally {
      await socket.dispose();
    }
  }

  async #mutate<Data, Variables extends object>(
    document: TadaDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const { data, error } = await this.#client.mutation(document, variables);
    // An error of the operation as a whole has a code in `error.graphQLErrors[0].extensions`.
    if (!data) throw error ?? new Error("The answer is empty");
    return data;
  }
}
