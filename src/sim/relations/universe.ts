import type { Relationship, SubjectRef } from "../../model/relationship.ts";
import type { World } from "../world.ts";

/* Few names, so that everything has to do with everything; and no circles. */

export const users: readonly string[] = ["u0", "u1", "u2", "u3"];
const groupCount = 4;
const folderCount = 3;
const documentCount = 3;

export function randomObject(world: World): { readonly type: string; readonly id: string } {
  const { random } = world;
  switch (random.below(6)) {
    case 0:
      return { type: "group", id: `g${random.below(groupCount)}` };
    case 1:
    case 2:
      return { type: "folder", id: `f${random.below(folderCount)}` };
    default:
      return { type: "document", id: `d${random.below(documentCount)}` };
  }
}

/** @param now null: relationships without expiry only. */
export function randomRelationship(world: World, now: number | null): Relationship {
  const resource = randomObject(world);
  const { type, id } = resource;
  if (type === "group") {
    return { resource, relation: "member", subject: member(world, Number(id.slice(1)) + 1) };
  }
  const above = type === "folder" ? "parent" : "folder";
  const folders = type === "folder" ? Number(id.slice(1)) : folderCount;
  if (world.random.below(3) === 0 && folders > 0) {
    const subject = { type: "folder", id: `f${world.random.below(folders)}` };
    return { resource, relation: above, subject };
  }
  if (world.random.below(3) === 0) {
    return { resource, relation: "banned", subject: member(world, 0) };
  }
  const subject = world.random.below(10) === 0 ? { type: "user", id: "*" } : member(world, 0);
  const mayExpire = now !== null && subject.type === "user" && subject.id !== "*";
  const expires = mayExpire && world.random.below(4) === 0;
  return {
    resource,
    relation: "viewer",
    subject,
    ...(expires ? { expiresAt: now + 1 + world.random.below(1_500) } : {}),
  };
}

/** A user, or the members of a group of which no circle can come. */
function member(world: World, firstGroup: number): SubjectRef {
  const groups = groupCount - firstGroup;
  if (groups <= 0 || world.random.below(2) === 0) {
    return { type: "user", id: world.pick(users) };
  }
  const id = `g${firstGroup + world.random.below(groups)}`;
  return { type: "group", id, relation: "member" };
}
