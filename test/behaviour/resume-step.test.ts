import assert from "node:assert/strict";
import { service } from "holdfast";
import { coded, each } from "./harness.ts";

each(
  "a step that waits for its next attempt is seen to wait, and a resume ends it",
  async (world) => {
    let isWell = false;
    const caller = service("caller", {
      handlers: {
        call: (ctx) =>
          ctx.run(
            "ring",
            () => {
              if (!isWell) throw new Error("nobody answers");
              return "hello";
            },
            { retry: { attempts: 3, initial: "1 hour" } },
          ),
      },
    });
    const app = await world.open([caller]);
    const sent = await app.send(caller).call();
    await world.rest();
    const { waitingFor, waitingSince } = await sent.describe();
    assert.equal(waitingFor, "ring retry");
    assert.equal(waitingSince, world.clock.now);
    isWell = true;
    await sent.resume();
    assert.equal(await sent.result(), "hello");
    await assert.rejects(sent.resume(), coded("invocation-ended"));
  },
);
