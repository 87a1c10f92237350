import { keyOf } from "./compare.ts";
import type { Run } from "./frame.ts";
import {
  Failure,
  isList,
  isMap,
  isOpen,
  Optional,
  type Outcome,
  openOf,
  typeOf,
  type Value,
} from "./value.ts";

/** `map.field`, or over an optional map; then the field is optional, too. */
export function makeField(operand: Run, field: string): Run {
  return (frame) => {
    frame.cost++;
    const outcome = operand(frame);
    if (isMap(outcome)) return outcome.get(field) ?? missingKey(field);
    if (outcome instanceof Optional) return lookInto(outcome, field);
    return isOpen(outcome) ? outcome : noFields(outcome);
  };
}

/** `list[index]`, `map[key]`. */
export function makeIndex([operand, index]: readonly [Run, Run]): Run {
  return (frame) => {
    frame.cost++;
    const [outcome, at] = [operand(frame), index(frame)];
    const open = openOf(outcome, at);
    if (open !== undefined) return open;
    if (outcome instanceof Optional) return lookInto(outcome, at as Value); // neither is open
    return find(outcome as Value, at as Value) ?? missingKey(at as Value);
  };
}

/** `map.?field`, `map[?key]`, `list[?index]`. */
export function makeOptionalIndex([operand, index]: readonly [Run, Run]): Run {
  return (frame) => {
    frame.cost++;
    const [outcome, at] = [operand(frame), index(frame)];
    const open = openOf(outcome, at);
    if (open !== undefined) return open;
    const value = outcome instanceof Optional ? outcome : new Optional(outcome as Value); // not open
    return lookInto(value, at as Value);
  };
}

/** `has(map.field)`. */
export function makeHas(operand: Run, field: string): Run {
  return (frame) => {
    frame.cost++;
    const outcome = operand(frame);
    const value = outcome instanceof Optional ? outcome.value : outcome;
    if (value === undefined) return false;
    if (isMap(value)) return value.has(field);
    return isOpen(value) ? value : noFields(value);
  };
}

function lookInto({ value }: Optional, key: Value): Outcome {
  if (value === undefined) return new Optional(undefined);
  const found = find(value, key);
  return found instanceof Failure ? found : new Optional(found);
}

/** undefined when it is not there; fails when it never could be. */
function find(value: Value, key: Value): Value | Failure | undefined {
  if (isMap(value)) {
    const found = keyOf(key);
    return found === undefined ? new Failure(`${typeOf(key)} is no key`) : value.get(found);
  }
  if (!isList(value)) return new Failure(`${typeOf(value)} has no elements`);
  const at = keyOf(key);
  return typeof at === "bigint" ? value[Number(at)] : new Failure(`${typeOf(key)} is no index`);
}

function missingKey(key: Value): Failure {
  const shown = keyOf(key);
  if (typeof shown === "string") return new Failure(`no such key: ${shown.slice(0, 64)}`);
  return new Failure(`no such key or index: ${String(shown)}`);
}

function noFields(value: Value): Failure {
  return new Failure(`${typeOf(value)} has no fields`);
}
