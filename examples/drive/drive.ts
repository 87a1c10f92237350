/**
 * A shared drive. Documents, folders, groups and links are actors. What they are is their state; who
 * may do what with them is relationships, which change in the same commit. A handler says which
 * permission it needs, and starts only for those who have it.
 */
import { actor, type Context, handler, shared, TerminalError } from "holdfast";

export interface Place {
  readonly title: string;
  /** Id of the folder it lies in. Default: none. */
  readonly folder?: string;
}

/** `"everybody"`, `user:bob` or `group:staff`. */
export interface Share {
  readonly with: string;
  readonly as: "reader" | "writer";
  /** Milliseconds since 1970: for guests, who are readers until then. */
  readonly until?: number;
}

interface Subject {
  readonly type: string;
  readonly id: string;
  readonly relation?: string;
}

export const document = actor("document", {
  state: {
    title: "",
    text: "",
    /** Of the decision that let the text be written: readers are judged no older than that. */
    zookie: "",
  },
  handlers: {
    async create(ctx, place: Place) {
      const owner = callerOf(ctx);
      if (ctx.get("title") !== "") refuse("exists", `There is a document ${ctx.key} already`);
      await createIn(ctx, { type: "document", owner, over: "folder", folder: place.folder });
      ctx.set("title", place.title);
    },

    read: shared({ permission: "read" }, (ctx) => ({
      title: ctx.get("title"),
      text: ctx.get("text"),
    })),

    write: handler({ permission: "write" }, async (ctx, text: string) => {
      const { zookie } = await ctx.require("write", { type: "document", id: ctx.key });
      ctx.set("text", text);
      ctx.set("zookie", zookie);
    }),

    /** What it was is gone; the rights on it are for whoever calls this to delete. */
    remove: handler({ permission: "own" }, (ctx) => ctx.clear()),

    share: handler({ permission: "own" }, async (ctx, share: Share) => {
      await ctx.relate({ touch: [shareOf({ type: "document", id: ctx.key }, share)] });
    }),

    unshare: handler({ permission: "own" }, async (ctx, share: Share) => {
      await ctx.relate({ delete: [shareOf({ type: "document", id: ctx.key }, share)] });
    }),

    ban: handler({ permission: "own" }, async (ctx, user: string) => {
      const resource = { type: "document", id: ctx.key };
      await ctx.relate({
        touch: [{ resource, relation: "banned", subject: { type: "user", id: user } }],
      });
    }),

    /** Makes a link: whoever opens it may read. */
    link: handler({ permission: "own" }, async (ctx) => {
      const id = await ctx.run("make an id", () => crypto.randomUUID());
      const subject = { type: "link", id };
      const resource = { type: "document", id: ctx.key };
      await ctx.relate({ create: [{ resource, relation: "link", subject }] });
      await ctx.call(link, id).point(ctx.key);
      return id;
    }),

    unlink: handler({ permission: "own" }, async (ctx, id: string) => {
      const subject = { type: "link", id };
      const resource = { type: "document", id: ctx.key };
      await ctx.relate({ delete: [{ resource, relation: "link", subject }] });
    }),
  },
});

export const link = actor("link", {
  state: { document: "" },
  handlers: {
    point: handler({ private: true }, (ctx, id: string) => ctx.set("document", id)),

    /** Anybody who knows its id, and has said who it is. */
    async open(ctx) {
      const id = callerOf(ctx);
      const of = ctx.get("document");
      if (of === "") refuse("unknown-link", "There is no such link");
      const resource = { type: "link", id: ctx.key };
      await ctx.relate({
        touch: [{ resource, relation: "visitor", subject: { type: "user", id } }],
      });
      return of;
    },
  },
});

export const folder = actor("folder", {
  state: { title: "" },
  handlers: {
    async create(ctx, place: Place) {
      const owner = callerOf(ctx);
      if (ctx.get("title") !== "") refuse("exists", `There is a folder ${ctx.key} already`);
      await createIn(ctx, { type: "folder", owner, over: "parent", folder: place.folder });
      ctx.set("title", place.title);
    },

    share: handler({ permission: "own" }, async (ctx, share: Share) => {
      await ctx.relate({ touch: [shareOf({ type: "folder", id: ctx.key }, share)] });
    }),

    unshare: handler({ permission: "own" }, async (ctx, share: Share) => {
      await ctx.relate({ delete: [shareOf({ type: "folder", id: ctx.key }, share)] });
    }),

    ban: handler({ permission: "own" }, async (ctx, user: string) => {
      const resource = { type: "folder", id: ctx.key };
      await ctx.relate({
        touch: [{ resource, relation: "banned", subject: { type: "user", id: user } }],
      });
    }),
  },
});

export const group = actor("group", {
  state: { title: "" },
  handlers: {
    async create(ctx, title: string) {
      const manager = callerOf(ctx);
      if (ctx.get("title") !== "") refuse("exists", `There is a group ${ctx.key} already`);
      const resource = { type: "group", id: ctx.key };
      const subject = { type: "user", id: manager };
      await ctx.relate({ create: [{ resource, relation: "manager", subject }] });
      ctx.set("title", title);
    },

    /** A user, or all members of another group. */
    add: handler({ permission: "manage" }, async (ctx, member: string) => {
      const resource = { type: "group", id: ctx.key };
      await ctx.relate({ touch: [{ resource, relation: "member", subject: subjectOf(member) }] });
    }),

    remove: handler({ permission: "manage" }, async (ctx, member: string) => {
      const resource = { type: "group", id: ctx.key };
      await ctx.relate({ delete: [{ resource, relation: "member", subject: subjectOf(member) }] });
    }),
  },
});

export const services = [document, folder, group, link];

interface Creation {
  readonly type: "document" | "folder";
  readonly owner: string;
  readonly over: "folder" | "parent";
  readonly folder: string | undefined;
}

/** Whoever creates it owns it, and must be able to write where it is to lie. */
async function createIn(ctx: Context, { type, owner, over, folder: into }: Creation) {
  const resource = { type, id: ctx.key };
  const owns = { resource, relation: "owner", subject: { type: "user", id: owner } };
  if (into === undefined) {
    await ctx.relate({ create: [owns] });
    return;
  }
  const parent = { type: "folder", id: into };
  await ctx.require("write", parent);
  await ctx.relate({ create: [owns, { resource, relation: over, subject: parent }] });
}

function shareOf(resource: Subject, share: Share) {
  const { with: whom, as, until } = share;
  if (as !== "reader" && as !== "writer") refuse("unknown-role", `${String(as)} is no role`);
  const subject = whom === "everybody" ? { type: "user", id: "*" } : subjectOf(whom);
  return {
    resource,
    relation: as,
    subject,
    ...(until === undefined ? {} : { expiresAt: until }),
  };
}

function subjectOf(text: string): Subject {
  const [type, id, ...rest] = String(text).split(":");
  const isKnown = (type === "user" || type === "group") && rest.length === 0;
  if (!isKnown || id === undefined || id === "") {
    refuse("unknown-subject", `${text} is neither user:id nor group:id`);
  }
  return type === "group" ? { type, id, relation: "member" } : { type, id };
}

function callerOf({ caller }: { readonly caller: string | undefined }): string {
  return caller ?? refuse("nobody", "Say who you are first");
}

function refuse(code: string, message: string): never {
  throw new TerminalError(message, { code });
}
