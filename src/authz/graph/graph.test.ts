import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { Graph } from "./graph.ts";
import { namesMax } from "./objects.ts";

const types = ["user", "group", "document"];

/** A graph, and beside it the plainest thing that says the same. */
class Pair {
  readonly graph: Graph;
  /** By relationship: its versions, the latest last. */
  readonly versions = new Map<string, { edge: number; created: number; ended: number }[]>();

  constructor(key: number) {
    this.graph = new Graph(key);
  }

  node(type: string, id: string, relation: string): number {
    const { names, objects } = this.graph;
    const object = objects.add(names.number(type), id);
    return this.graph.addNode(object, relation === "" ? 0 : names.number(relation));
  }

  check(revision: number): void {
    const { graph } = this;
    let alive = 0;
    for (const [text, versions] of this.versions) {
      const [resource, subject] = text.split("@").map((end) => this.find(end)) as [number, number];
      if (versions.length === 0) {
        const isNamed = resource !== 0 && subject !== 0;
        assert.equal(isNamed ? graph.findEdge(resource, subject) : 0, 0, text);
        continue;
      }
      const latest = versions.at(-1)!;
      assert.equal(graph.findEdge(resource, subject), latest.edge, text);
      if (graph.relationOf(subject) === 0) {
        assert.equal(graph.findPlainEdge(resource, subject), latest.edge, text);
      }
      let version = latest.edge;
      for (const { edge, created, ended } of versions.toReversed()) {
        assert.equal(version, edge, text);
        const isThere = created <= revision && revision < ended;
        assert.equal(graph.holdsAt(version, revision), isThere, text);
        version = graph.olderThan(version);
      }
      assert.equal(version, 0, text);
      if (latest.ended === Number.POSITIVE_INFINITY) alive++;
    }
    assert.equal(graph.size, alive);
  }

  find(end: string): number {
    const [, type = "", id = "", relation = ""] = /^(\w+):(\w+)#?(\w*)$/.exec(end)!;
    const { names, objects } = this.graph;
    const object = objects.find(names.find(type) ?? 0, id);
    return object === 0 ? 0 : this.graph.findNode(object, names.find(relation) ?? -1);
  }
}

function countOf(graph: Graph, node: number): number {
  let count = 0;
  for (const first of [graph.firstPlain(node), graph.firstUserset(node)]) {
    for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) count++;
  }
  return count;
}

test("a graph says what a list of versions says, through additions, ends and removals", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Prng(seed);
    const pair = new Pair(seed);
    const { graph, versions } = pair;
    const pick = (count: number): number => random.uint32() % count;
    for (let revision = 1; revision <= 400; revision++) {
      // Some objects come to have dozens of relations, and some texts lie in several types.
      const resource = `${types[pick(3)]}:o${pick(6)}#r${pick(40)}`;
      const subject = `${types[pick(3)]}:o${pick(9)}${pick(3) === 0 ? `#r${pick(3)}` : ""}`;
      const text = `${resource}@${subject}`;
      const list = versions.get(text) ?? [];
      versions.set(text, list);
      const latest = list.at(-1);
      if (latest === undefined || latest.ended <= revision) {
        const [from, to] = [resource, subject].map((end) => {
          const [, type = "", id = "", relation = ""] = /^(\w+):(\w+)#?(\w*)$/.exec(end)!;
          return pair.node(type, id, relation);
        }) as [number, number];
        const edge = graph.addEdge(from, to, { created: revision });
        list.push({ edge, created: revision, ended: Number.POSITIVE_INFINITY });
      } else if (pick(2) === 0) {
        graph.endEdge(latest.edge, revision);
        latest.ended = revision;
      }
      for (const all of versions.values()) {
        if (pick(12) !== 0) continue;
        const oldest = all[0];
        if (oldest === undefined || oldest.ended > revision) continue;
        graph.removeEdge(oldest.edge);
        all.shift();
      }
      if (revision % 20 === 0) pair.check(pick(revision + 1));
    }
    pair.check(400);
    for (const all of versions.values()) {
      for (const version of all.splice(0).toReversed()) graph.removeEdge(version.edge);
    }
    pair.check(400);
    assert.equal(graph.nodeCount, 0, "what nothing names is forgotten");
    assert.equal(graph.objects.size, 0);
    const places = [...graph.names.all()].flatMap((type) => [...graph.objects.places(type)]);
    assert.deepEqual(new Set(places), new Set([0]));
  }
});

test("an object with very many relations finds each of them, also after others went", () => {
  const graph = new Graph(1);
  const document = graph.names.number("document");
  const object = graph.objects.add(document, "d");
  const user = graph.objects.add(graph.names.number("user"), "u");
  const edges = new Map<number, number>();
  for (let i = 0; i < 100; i++) {
    const relation = graph.names.number(`r${i}`);
    edges.set(relation, graph.addEdge(graph.addNode(object, relation), user, { created: 1 }));
  }
  const relations = [...edges.keys()];
  for (const relation of relations.filter((_, i) => i % 3 !== 0)) {
    graph.removeEdge(edges.get(relation)!);
    edges.delete(relation);
  }
  for (const relation of relations) {
    const node = graph.findNode(object, relation);
    assert.equal(node !== 0, edges.has(relation));
    if (node !== 0) assert.equal(countOf(graph, node), 1);
  }
  for (const edge of edges.values()) graph.removeEdge(edge);
  assert.equal(graph.nodeCount, 0);
});

test("the same id in two types is two objects, and the wildcard of a type is known", () => {
  const { objects, names } = new Graph(7);
  const [user, group] = [names.number("user"), names.number("group")];
  const one = objects.add(user, "x");
  const other = objects.add(group, "x");
  assert.notEqual(one, other);
  assert.equal(objects.find(user, "x"), one);
  assert.equal(objects.find(group, "x"), other);
  assert.equal(objects.id(other), "x");
  assert.equal(objects.wildcard(user), 0);
  const everybody = objects.add(user, "*");
  assert.equal(objects.wildcard(user), everybody);
  assert.equal(objects.wildcard(group), 0);
  objects.delete(everybody);
  assert.equal(objects.wildcard(user), 0);
  assert.deepEqual([...objects.places(group)], [other]);
  assert.deepEqual([...objects.places(user)], [one, 0]);
});

test("ids of any length and of any characters are told apart", () => {
  const { objects, names } = new Graph(0xffff_ffff);
  const user = names.number("user");
  const fillings = ["", "x", "ü", "Ж", "🙂"];
  const ids = Array.from({ length: 30_000 }, (_, i) => {
    return `${i}${(fillings[i % fillings.length] ?? "").repeat(i % 37)}`;
  });
  const numbers = ids.map((id) => objects.add(user, id));
  assert.equal(new Set(numbers).size, ids.length);
  for (const [i, id] of ids.entries()) assert.equal(objects.id(numbers[i]!), id);
  for (let i = 0; i < ids.length; i += 3) objects.delete(numbers[i]!);
  for (const [i, id] of ids.entries()) {
    assert.equal(objects.find(user, id), i % 3 === 0 ? 0 : numbers[i]);
    assert.equal(objects.find(user, `${id}\0`), 0);
    assert.equal(
      objects.find(
        user,
        id.slice(0, -1) + String.fromCharCode(id.charCodeAt(id.length - 1) ^ 0x100),
      ),
      0,
    );
  }
  const again = ids.filter((_, i) => i % 3 === 0).map((id) => objects.add(user, id));
  assert.equal(new Set([...again, ...numbers]).size, numbers.length, "numbers are used again");
});

test("names that nothing has are forgotten where there is no room, and no others", () => {
  const graph = new Graph(7);
  const { names, objects } = graph;
  const kept = ["document", "viewer", "group", "member", "small"];
  const [document = 0, viewer = 0, group = 0, member = 0, small = 0] = kept.map((name) => {
    names.number(`before ${name}`);
    return names.number(name);
  });
  const resource = graph.addNode(objects.add(document, "d"), viewer);
  const subject = graph.addNode(objects.add(group, "g"), member);
  const extra = { caveat: small, context: null, expiresAt: Number.POSITIVE_INFINITY };
  graph.addEdge(resource, subject, { created: 1, extra });
  while (names.size < namesMax) names.number(`name ${names.size}`);
  assert.throws(() => names.number("one more"), { code: "limit-exceeded" });
  assert.equal(names.hasRoom(new Set(["one more"])), false);
  assert.equal(names.hasRoom(new Set(["document", "name 20"])), true);
  graph.forgetNames();
  assert.deepEqual(
    kept.map((name) => names.find(name)),
    [document, viewer, group, member, small],
  );
  assert.equal(names.size, kept.length);
  assert.equal(names.find("name 20"), undefined);
  assert.equal(names.find(""), 0);
  while (names.size < namesMax) names.number(`again ${names.size}`);
  const numbers = [...names.all()];
  assert.equal(new Set(numbers).size, namesMax + 1);
  assert.equal(Math.max(...numbers), namesMax);
  for (const number of numbers) assert.equal(names.find(names.name(number)), number);
});
