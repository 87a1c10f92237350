// An application whose handlers ask for permissions.
import { actor, authorization, handler } from "holdfast";

export const access = authorization({
  schema: `definition user {}
definition page {
  relation owner: user
  permission write = owner
}`,
});

export const page = actor("page", {
  state: { text: "" },
  handlers: {
    create: async (ctx) => {
      const resource = { type: "page", id: ctx.key };
      const subject = { type: "user", id: "ada" };
      await ctx.relate({ touch: [{ resource, relation: "owner", subject }] });
    },
    write: handler({ permission: "write" }, (ctx, text: string) => ctx.set("text", text)),
  },
});
