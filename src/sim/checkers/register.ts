import type { Model } from "./linearizability.ts";

/** A register that is read, written and compared and set. */
export type RegisterInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: number }
  | { readonly kind: "cas"; readonly from: number; readonly to: number };

/** What was read, or before a write; whether a comparison held. `null` is "not yet written". */
export type RegisterOutput = number | null | boolean;

export const registerModel: Model<number | null, RegisterInput, RegisterOutput> = {
  initial: null,
  step(state, input, output) {
    switch (input.kind) {
      case "read":
        return output === undefined || output === state ? state : undefined;
      case "write":
        return input.value;
      case "cas": {
        const holds = state === input.from;
        if (output !== undefined && output !== holds) return undefined;
        return holds ? input.to : state;
      }
      default:
        return input satisfies never;
    }
  },
};
