import { describe, expect, it, vi } from "vitest";
import type { Sent } from "../graphql/upload";
import type { ImageRow } from "../images/imageRow";
import { type Send, Uploads } from "./uploads";

const files = (count: number) => Array.from({ length: count }, (_, n) => new File(["x"], `${n}.png`));
const stored: Sent = { status: "stored", image: { id: "1" } as ImageRow };
const lost: Sent = { status: "failed", failure: { kind: "UNREACHABLE", message: "" } };
const settled = () => new Promise((resolve) => setTimeout(resolve));
const states = (uploads: Uploads) => uploads.get().map(({ state }) => state.name);
const noPause = async () => {};

describe("uploads", () => {
  it("wait until they are started, and are sent a few at a time", async () => {
    const uploads = new Uploads();
    const answers: ((sent: Sent) => void)[] = [];
    const send: Send = () => new Promise((resolve) => answers.push(resolve));
    uploads.choose(files(100), {});
    expect(new Set(states(uploads))).toEqual(new Set(["chosen"]));
    uploads.start(send, noPause);
    expect(answers.length).toBe(3);
    for (let sent = 0; sent < 100; sent += 1) {
      answers[sent]?.(stored);
      await settled();
      expect(answers.length).toBe(Math.min(100, sent + 4));
    }
    expect(new Set(states(uploads))).toEqual(new Set(["stored"]));
  });

  it("tell of each its own progress and its own end", async () => {
    const uploads = new Uploads();
    const problems = [{ code: "CORRUPT_IMAGE", message: "no", path: null }];
    const shares: number[] = [];
    uploads.subscribe(() => {
      const state = uploads.get()[0]?.state;
      if (state?.name === "sending") shares.push(state.share);
    });
    uploads.choose(files(2), {});
    uploads.start(async (file, _, progress) => {
      progress(0.5);
      return file.name === "0.png" ? stored : { status: "refused", problems };
    }, noPause);
    await settled();
    expect(shares).toContain(0.5);
    expect(states(uploads)).toEqual(["stored", "refused"]);
  });

  it("are sent again by themselves when the connection was lost", async () => {
    const uploads = new Uploads();
    const send = vi
      .fn<Send>()
      .mockResolvedValueOnce(lost)
      .mockResolvedValueOnce(lost)
      .mockResolvedValue(stored);
    const pause = vi.fn(noPause);
    uploads.choose(files(1), {});
    uploads.start(send, pause);
    await settled();
    expect(states(uploads)).toEqual(["stored"]);
    expect(pause.mock.calls).toEqual([[0], [1]]);
  });

  it("wait for as long as the server asks, however often", async () => {
    const uploads = new Uploads();
    const held: Sent = { status: "later", seconds: 7 };
    const send = vi.fn<Send>();
    for (let sent = 0; sent < 10; sent += 1) send.mockResolvedValueOnce(held);
    send.mockResolvedValueOnce(lost).mockResolvedValue(stored);
    const during: string[][] = [];
    const pause = vi.fn(async () => {
      during.push(states(uploads));
    });
    uploads.choose(files(1), {});
    uploads.start(send, pause);
    await settled();
    expect(states(uploads)).toEqual(["stored"]);
    expect(pause.mock.calls).toEqual([...Array(10).fill([0, 7]), [0]]);
    expect(during).toEqual([...Array(10).fill(["held"]), ["interrupted"]]);
  });

  it.each([lost, { status: "later", seconds: 7 } as const])(
    "are not sent again once they are forgotten: $status",
    async (sent) => {
      const uploads = new Uploads();
      const send = vi.fn<Send>().mockResolvedValueOnce(sent).mockResolvedValue(stored);
      uploads.choose(files(1), {});
      uploads.start(send, async () => uploads.forget());
      await settled();
      expect(send).toHaveBeenCalledOnce();
      expect(uploads.get()).toEqual([]);
    },
  );

  it("give up at last, and can be started again one by one", async () => {
    const uploads = new Uploads();
    uploads.choose(files(2), {});
    uploads.start(async () => lost, noPause);
    await settled();
    expect(states(uploads)).toEqual(["failed", "failed"]);
    uploads.start(async () => stored, noPause, 2);
    await settled();
    expect(states(uploads)).toEqual(["failed", "stored"]);
  });

  it("are described all at once or one by one, while they have not gone", async () => {
    const uploads = new Uploads();
    uploads.choose(files(2), { patientRef: "P-1" });
    uploads.describe({ label: "COVID" });
    uploads.describe({ label: "NO_COVID", evidence: "CT" }, 2);
    expect(uploads.get().map(({ details }) => details)).toEqual([
      { patientRef: "P-1", label: "COVID" },
      { patientRef: "P-1", label: "NO_COVID", evidence: "CT" },
    ]);
  });

  it("go from sight when they are done with", async () => {
    const uploads = new Uploads();
    uploads.choose(files(2), {});
    uploads.start(async (file) => (file.name === "0.png" ? stored : lost), noPause);
    await settled();
    uploads.clear();
    expect(states(uploads)).toEqual(["failed"]);
    uploads.forget();
    expect(uploads.get()).toEqual([]);
  });
});
