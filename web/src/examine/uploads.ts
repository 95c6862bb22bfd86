/** The files on their way up: chosen, sent a few at a time, each with its own progress and its own end. */

import type { Failure } from "../graphql/failure";
import type { Sent, UploadDetails } from "../graphql/upload";
import type { Problem } from "../graphql/useMutate";
import type { ImageRow } from "../images/imageRow";
import type { Evidence, Finding } from "../images/labelChoices";
import { Observable } from "../observable";

export type UploadState =
  | { name: "chosen" }
  | { name: "waiting" }
  | { name: "sending"; share: number }
  /** The connection was lost; it is sent again by itself. */
  | { name: "interrupted" }
  /** The server has too much to do; it is sent again by itself. */
  | { name: "held" }
  | { name: "stored" | "repeated"; image: ImageRow }
  | { name: "refused"; problems: Problem[] }
  | { name: "failed"; failure: Failure };

export interface Upload {
  id: number;
  file: File;
  details: UploadDetails;
  state: UploadState;
}

export type Send = (file: File, details: UploadDetails, progress: (share: number) => void) => Promise<Sent>;

/** Until a file is sent again: after so many failures, or in the seconds that the server asked for. */
export type Pause = (failures: number, seconds?: number) => Promise<void>;

/** A label needs no evidence, but evidence needs a label. */
export function detailsOf(label: Finding | null, evidence: Evidence): UploadDetails {
  return label ? { label, evidence } : { label: null, evidence: null };
}

const AT_ONCE = 3;
/** So often a file is sent before somebody has to look after it. */
const ATTEMPTS = 6;
const FINAL: readonly UploadState["name"][] = ["stored", "repeated"];

export class Uploads extends Observable<readonly Upload[]> {
  #last = 0;
  #sending = 0;

  constructor() {
    super([]);
  }

  choose(files: readonly File[], details: UploadDetails): void {
    const chosen = files.map((file) => {
      this.#last += 1;
      return { id: this.#last, file, details, state: { name: "chosen" } as const };
    });
    this.become([...this.get(), ...chosen]);
  }

  /** Changes what is said of one file, or of all that have not gone yet. */
  describe(details: UploadDetails, id?: number): void {
    this.become(
      this.get().map((one) =>
        one.state.name === "chosen" && (id === undefined || one.id === id)
          ? { ...one, details: { ...one.details, ...details } }
          : one,
      ),
    );
  }

  remove(id: number): void {
    this.become(this.get().filter((one) => one.id !== id));
  }

  /** Takes away what is done with. */
  clear(): void {
    this.become(this.get().filter(({ state }) => !FINAL.includes(state.name)));
  }

  /** Everything, since somebody else may sign in next. */
  forget(): void {
    this.become([]);
  }

  /** Sends all that are chosen, or one again that has failed. */
  start(send: Send, pause: Pause, id?: number): void {
    for (const one of this.get())
      if (one.id === id || (id === undefined && one.state.name === "chosen"))
        this.#set(one.id, { name: "waiting" });
    this.#next(send, pause);
  }

  #next(send: Send, pause: Pause): void {
    while (this.#sending < AT_ONCE) {
      const next = this.get().find(({ state }) => state.name === "waiting");
      if (!next) return;
      this.#sending += 1;
      this.#set(next.id, { name: "sending", share: 0 });
      void this.#sendOne(next, send, pause).finally(() => {
        this.#sending -= 1;
        this.#next(send, pause);
      });
    }
  }

  async #sendOne(upload: Upload, send: Send, pause: Pause): Promise<void> {
    for (let failures = 0; ; ) {
      const sent = await send(upload.file, upload.details, (share) =>
        this.#set(upload.id, { name: "sending", share }),
      );
      if (sent.status === "later") {
        this.#set(upload.id, { name: "held" });
        await pause(failures, sent.seconds);
        if (!this.#has(upload.id)) return;
        continue;
      }
      if (sent.status !== "failed" || sent.failure.kind !== "UNREACHABLE" || failures + 1 === ATTEMPTS) {
        this.#set(upload.id, stateOf(sent));
        return;
      }
      // The server knows a file that it has by its bytes: sending it again is safe.
      this.#set(upload.id, { name: "interrupted" });
      await pause(failures);
      if (!this.#has(upload.id)) return;
      failures += 1;
    }
  }

  /** What was taken off the list is not sent again: whoever is signed in by now may be somebody else. */
  #has(id: number): boolean {
    return this.get().some((one) => one.id === id);
  }

  #set(id: number, state: UploadState): void {
    this.become(this.get().map((one) => (one.id === id ? { ...one, state } : one)));
  }
}

function stateOf(sent: Exclude<Sent, { status: "later" }>): UploadState {
  switch (sent.status) {
    case "stored":
    case "repeated":
      return { name: sent.status, image: sent.image };
    case "refused":
      return { name: "refused", problems: sent.problems };
    case "failed":
      return { name: "failed", failure: sent.failure };
  }
}

export const uploads = new Uploads();
