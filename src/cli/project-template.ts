/** The files of a new project. What they say is tested: they type-check, run and pass their test. */

export interface ProjectOptions {
  readonly name: string;
  /** What npm installs as `holdfast`. */
  readonly holdfast: string;
}

export function makeProject(options: ProjectOptions): Readonly<Record<string, string>> {
  return {
    "package.json": `${JSON.stringify(manifest(options), null, 2)}\n`,
    "tsconfig.json": tsconfig,
    "app.ts": app,
    "app.test.ts": appTest,
    "README.md": readme(options),
    ".gitignore": "node_modules/\n*.db\n*.db-*\n.env\n",
  };
}

function manifest({ name, holdfast }: ProjectOptions): object {
  return {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    engines: { node: ">=24.12" },
    scripts: {
      dev: "holdfast dev app.ts",
      start: "holdfast serve app.ts",
      test: "node --test",
      check: "tsc",
    },
    dependencies: { holdfast },
    devDependencies: { "@types/node": "^26.6.6", typescript: "^7.0.2" },
  };
}

const tsconfig = `{
  "compilerOptions": {
    "target": "es2024",
    "lib": ["es2024", "esnext.disposable"],
    "module": "nodenext",
    "types": ["node"],
    "noEmit": true,
    "strict": true,
    "noUncheckedIndexedAccess": true,
    // Node runs these files as they are, by taking the types out.
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true
  },
  "include": ["**/*.ts"],
  "exclude": ["node_modules"]
}
`;

const app = `import { actor, shared, workflow } from "holdfast";

/** One cart per customer. Its handlers take turns, so nothing in here can race. */
export const cart = actor("cart", {
  state: { items: [] as string[] },
  handlers: {
    add: (ctx, item: string) => {
      ctx.set("items", [...ctx.get("items"), item]);
      return ctx.get("items").length;
    },
    empty: (ctx) => {
      const items = ctx.get("items");
      ctx.set("items", []);
      return items;
    },
    items: shared((ctx) => ctx.get("items")),
  },
});

/** An order goes on where it was after a crash, a deploy, or a week. */
export const order = workflow("order", {
  async run(ctx, customer: string) {
    const items = await ctx.call(cart, customer).empty();
    // A step's result is recorded: once it is, the step never runs again.
    const payment = await ctx.run("charge", () => charge(customer, items), {
      undo: (id) => refund(id),
    });
    await ctx.sleep("5s"); // or "1 week": it costs nothing to wait
    const parcel = await ctx.run("ship", () => ship(items));
    return { payment, parcel };
  },
});

// The outside world.
const charge = async (customer: string, items: string[]) => \`paid-\${customer}-\${items.length}\`;
const refund = async (payment: string) => console.log("refunded", payment);
const ship = async (items: string[]) => \`a parcel of \${items.join(", ")}\`;
`;

const appTest = `import assert from "node:assert/strict";
import { test } from "node:test";
import { openTest } from "holdfast/testing";
import { cart, order } from "./app.ts";

test("an order takes what is in the cart, and leaves it empty", async () => {
  await using app = await openTest({ services: [cart, order] });
  await app.call(cart, "ada").add("chair");
  const sent = await app.send(order, "o-1").run("ada");
  await app.advance("5s"); // the order's sleep passes at once
  assert.equal((await sent.result()).parcel, "a parcel of chair");
  assert.deepEqual(await app.call(cart, "ada").items(), []);
});
`;

function readme({ name }: ProjectOptions): string {
  return `# ${name}

\`\`\`
npm install
npm run dev     # http://127.0.0.1:7400; reloads when the code changes
npm test
npm run check   # types
\`\`\`

In another terminal:

\`\`\`
npx holdfast call cart/ada/add '"chair"'
npx holdfast send order/o-1/run '"ada"'
npx holdfast show order/o-1
npx holdfast ls
\`\`\`

Kill it at any moment, start it again, and every order goes on where it was. The data is in
\`holdfast.db\`. In production: \`npm start\`.
`;
}
