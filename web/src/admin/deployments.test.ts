import { describe, expect, it } from "vitest";
import { inOrder } from "./Deployments";

const served = (since: string) => ({ since, until: null, reason: "", decidedBy: null });

describe("what served when", () => {
  it("is in order of time, whichever version it was", () => {
    const models = [
      { number: 2, deployments: [served("2026-11-02T00:00:00Z")] },
      { number: 1, deployments: [served("2026-11-03T00:00:00Z"), served("2026-11-01T00:00:00Z")] },
    ];
    expect(inOrder(models).map(({ number }) => number)).toEqual([1, 2, 1]);
  });
});
