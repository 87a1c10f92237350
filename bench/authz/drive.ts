// A shared drive of any size: groups within groups to depth 5, folders to depth 8, and users of whom a
// few are in everything (Zipf). From one seed, so that two runs have the same relationships.
import { Prng } from "../../src/std/prng.ts";
import type { TupleChunk } from "../../src/store/relations.ts";

export const driveSchema = `definition user {}

definition group {
  relation member: user | group#member
}

definition folder {
  relation parent: folder
  relation viewer: user | user:* | group#member
  relation editor: user | group#member
  permission edit = editor + parent->edit
  permission view = viewer + edit + parent->view
}

definition document {
  relation parent: folder
  relation owner: user
  relation viewer: user | group#member
  relation banned: user
  permission edit = owner + parent->edit
  permission view = viewer + edit + parent->view
  permission comment = view - banned
}
`;

/** Numbers of things in a drive of so many relationships. */
export interface DriveShape {
  readonly users: number;
  readonly groups: number;
  readonly folders: number;
  readonly documents: number;
}

export interface Drive extends DriveShape {
  readonly relationships: readonly Tuple[];
}

/** Resource type, id, relation, subject type, id, relation. */
export type Tuple = readonly [string, string, string, string, string, string];

export function shapeOf(size: number): DriveShape {
  return {
    users: Math.ceil(size / 20),
    groups: Math.ceil(size / 100),
    folders: Math.ceil(size / 40),
    documents: Math.ceil(size / 4),
  };
}

/** Where in a distribution: small numbers are far more frequent than large ones (exponent about 1). */
export function zipf(random: Prng, count: number): number {
  const share = random.uint32() / 2 ** 32;
  return Math.min(count - 1, Math.floor(count ** share) - 1);
}

export function below(random: Prng, count: number): number {
  return Math.floor((random.uint32() / 2 ** 32) * count);
}

/** Relationships of a drive, each once, without ever holding more than what tells them apart. */
export function* makeDrive(size: number, seed = 1): Iterable<Tuple> {
  const random = new Prng(seed);
  const { users, groups, folders, documents } = shapeOf(size);
  let made = 0;
  // Groups lie in trees of depth 5, folders in trees of depth 8.
  for (let group = 1; group < groups && made < size; group++) {
    if (group % 31 === 0) continue;
    const parent = Math.floor((group % 31) / 2) + group - (group % 31);
    if (parent === group) continue;
    yield ["group", `g${parent}`, "member", "group", `g${group}`, "member"];
    made++;
  }
  for (let folder = 0; folder < folders && made < size; folder++) {
    if (folder % 8 !== 0) {
      yield ["folder", `f${folder}`, "parent", "folder", `f${folder - 1}`, ""];
      made++;
    }
    const kind = folder % 3;
    if (kind === 0) {
      yield ["folder", `f${folder}`, "viewer", "group", `g${zipf(random, groups)}`, "member"];
      made++;
    } else if (kind === 1) {
      yield ["folder", `f${folder}`, "editor", "user", `u${zipf(random, users)}`, ""];
      made++;
    }
  }
  for (let document = 0; document < documents && made < size; document++) {
    yield ["document", `d${document}`, "parent", "folder", `f${below(random, folders)}`, ""];
    made++;
  }
  // What is left: members of groups, viewers, owners, a few who are banned. Told apart by their place.
  const rest = size - made;
  const seen = new Set<number>();
  for (let left = rest; left > 0; ) {
    const kind = below(random, 20);
    const user = zipf(random, users);
    if (kind < 8) {
      const group = below(random, groups);
      if (!isNew(seen, group * 2 ** 28 + user)) continue;
      yield ["group", `g${group}`, "member", "user", `u${user}`, ""];
    } else {
      const document = below(random, documents);
      const relation = kind < 15 ? "viewer" : kind < 19 ? "owner" : "banned";
      const place = (document + groups) * 2 ** 28 + user;
      if (!isNew(seen, relation === "viewer" ? place : place + 0.5)) continue;
      yield ["document", `d${document}`, relation, "user", `u${user}`, ""];
    }
    left--;
  }
}

function isNew(seen: Set<number>, place: number): boolean {
  const before = seen.size;
  // A set holds 16 million: beyond that a few may come twice, and are dropped by whoever takes them.
  if (before > 16_000_000) return true;
  seen.add(place);
  return seen.size > before;
}

/** The relationships as columns, as a store hands them over. */
export function chunkOf(tuples: readonly Tuple[]): TupleChunk {
  const names = ["", "user", "group", "folder", "document"];
  const codes = new Map(names.map((name, code) => [name, code]));
  const code = (name: string): number => {
    const known = codes.get(name);
    if (known !== undefined) return known;
    codes.set(name, names.length);
    return names.push(name) - 1;
  };
  return {
    count: tuples.length,
    names,
    resourceTypes: Uint32Array.from(tuples, (tuple) => code(tuple[0])),
    resourceIds: tuples.map((tuple) => tuple[1]),
    relations: Uint32Array.from(tuples, (tuple) => code(tuple[2])),
    subjectTypes: Uint32Array.from(tuples, (tuple) => code(tuple[3])),
    subjectIds: tuples.map((tuple) => tuple[4]),
    subjectRelations: Uint32Array.from(tuples, (tuple) => code(tuple[5])),
    created: new Float64Array(tuples.length).fill(1),
    deleted: new Float64Array(tuples.length),
    extras: [],
    next: null,
  };
}
