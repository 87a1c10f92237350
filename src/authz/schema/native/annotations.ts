/** `permission view: user | team = …` under `use typechecking`: whether it names every type. */
import { reachGraph } from "../reach.ts";
import type { Schema } from "../schema.ts";
import type { Problems } from "./problems.ts";
import type { Scope } from "./scope.ts";

/** Relations looked at for all annotations of a schema: real schemas need some thousands. */
const mostVisits = 10_000_000;

/** Types that are named and cannot be reached do no harm. What is excluded counts as reached. */
export function checkAnnotations(schema: Schema, scope: Scope, problems: Problems): void {
  const graph = reachGraph(schema);
  let visits = 0;
  for (const [type, { members }] of scope.types) {
    for (const [name, { node }] of members) {
      if (problems.full) return;
      const id = graph.id(type, name);
      if (node.kind !== "permission" || node.annotation.length === 0 || id === undefined) continue;
      const reached = graph.from([id], ({ draws, subtracts }) => [...draws, ...subtracts]);
      visits += reached.size;
      if (visits > mostVisits) {
        const message = "The schema has too many annotations to check them";
        problems.add("too-complex", node.name, { message });
        return;
      }
      const types = new Set<string>();
      for (const each of reached) {
        const { definition, self, type: owner } = graph.node(each);
        if (self) types.add(owner);
        for (const { type: subject, relation } of definition?.allowed ?? []) {
          if (relation === null) types.add(subject);
        }
      }
      const named = new Set(node.annotation.map(({ text }) => text));
      const left = [...types].filter((each) => !named.has(each)).sort();
      if (left.length === 0) continue;
      problems.add("incomplete-annotation", node.name, {
        message: `Permission "${name}" of type "${type}" can have subjects of a type it does not name: ${left.slice(0, 5).join(", ")}`,
      });
    }
  }
}
