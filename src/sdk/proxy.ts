/** Objects with one method per handler, through which handlers are called, sent to, and named. */
import type { Definition } from "./handler.ts";

/** What a method does with the name of its handler and the input it was given. */
export type Issue = (handler: string, input: unknown) => unknown;

type ProxyClass = new (issue: Issue) => object;

const classes: WeakMap<Definition, ProxyClass> = new WeakMap();

/**
 * An object with a method for each handler of the definition. Cheap, since one is made for each
 * call: the methods are made once per definition and lie on a frozen prototype.
 */
export function makeHandlerProxy(definition: Definition, issue: Issue): object {
  let made = classes.get(definition);
  if (made === undefined) {
    made = makeClass(Object.keys(definition.handlers));
    classes.set(definition, made);
  }
  return new made(issue);
}

function makeClass(handlers: readonly string[]): ProxyClass {
  class HandlerProxy {
    readonly #issue: Issue;

    constructor(issue: Issue) {
      this.#issue = issue;
    }

    static method(handler: string): (this: HandlerProxy, input: unknown) => unknown {
      return function (this: HandlerProxy, input: unknown): unknown {
        return this.#issue(handler, input);
      };
    }
  }
  const prototype = HandlerProxy.prototype;
  // Nothing but handlers: `toString` and `constructor` may be names of some.
  Object.setPrototypeOf(prototype, null);
  Reflect.deleteProperty(prototype, "constructor");
  for (const handler of handlers) {
    Object.defineProperty(prototype, handler, {
      value: HandlerProxy.method(handler),
      enumerable: true,
    });
  }
  Object.freeze(prototype);
  return HandlerProxy;
}
