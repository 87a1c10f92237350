import type { Authz } from "../../authz/authz.ts";
import type { Submit } from "../../authz/port.ts";
import type { Tenant } from "../../authz/tenant.ts";
import type { View } from "../../authz/view.ts";
import type { AuthzChange, AuthzOutcome, Consistency } from "../../model/authz.ts";
import { HoldfastError } from "../../model/errors.ts";
import type { Batch, Store } from "../../store/store.ts";
import { makeBatch } from "../../store/store.ts";
import { over } from "../over.ts";
import type { AuthzSabotage } from "../swarm.ts";
import type { World } from "../world.ts";

/*
 * The safeguards against the new enemy, taken away one at a time: a world without one of them must be
 * found out, else its being well with all of them proves nothing.
 */

/** How old the snapshot may be of a node that looks at the log now and then. */
const quantumMs = 60;

export function sabotageAuthz(world: World, authz: Authz): Authz {
  const fault = world.sabotage as AuthzSabotage | null; // of others there is no case here
  if (fault === null) return authz;
  spoilViews(authz, fault);
  const spoiled = new WeakSet<Tenant>();
  if (fault === "watches-from-now") {
    const watch = authz.history.watch.bind(authz.history);
    authz.history.watch = (tenant, { after: _, ...request }) => watch(tenant, request);
  }
  return over(authz, {
    tenant(id) {
      const tenant = authz.tenant(id);
      if (!spoiled.has(tenant)) spoilTenant(world, tenant, fault);
      spoiled.add(tenant);
      return tenant;
    },
    apply(change, stamp) {
      const outcome = authz.apply(change, stamp);
      if (outcome !== null) hasty.get(change)?.(outcome);
      return outcome;
    },
  });
}

function spoilTenant(world: World, tenant: Tenant, fault: AuthzSabotage): void {
  const { zookies } = tenant;
  const read = zookies.read.bind(zookies);
  const schemaIdAt = tenant.schemaIdAt.bind(tenant);
  const hold = tenant.hold.bind(tenant);
  const revisionFor = tenant.revisionFor.bind(tenant);
  tenant.revisionFor = spoilRevisions(world, tenant, { fault, revisionFor });
  switch (fault) {
    case "asks-the-latest-schema":
      tenant.schemaIdAt = (_, asked) => schemaIdAt(Number.MAX_SAFE_INTEGER, asked);
      break;
    case "takes-foreign-zookies":
      zookies.read = (zookie) => {
        try {
          return read(zookie);
        } catch {
          return Math.min(tenant.durable, revisionIn(zookie));
        }
      };
      break;
    case "answers-beyond-history":
      tenant.requireKept = () => undefined;
      break;
    case "forgets-writes-while-loading":
      tenant.hold = () => ({ ...hold(), commits: () => [] });
      break;
    default:
    // Something else than the tenant is spoiled.
  }
}

interface Revisions {
  readonly fault: AuthzSabotage;
  readonly revisionFor: Tenant["revisionFor"];
}

/** At which revision a question is answered, wrongly. */
function spoilRevisions(
  world: World,
  tenant: Tenant,
  { fault, revisionFor }: Revisions,
): Tenant["revisionFor"] {
  let sampled = { at: Number.NEGATIVE_INFINITY, revision: 0 };
  const sample = (): number => {
    if (world.scheduler.now >= sampled.at + quantumMs) {
      sampled = { at: world.scheduler.now, revision: tenant.durable };
    }
    return Math.max(tenant.oldest, sampled.revision);
  };
  /** A zookie is still looked at. */
  const shown = (asked: Consistency | undefined): number | undefined => {
    const least = asked !== undefined && "zookie" in asked ? zookieRevision(asked.zookie) : 0;
    const isSnapshot = asked?.kind === "exact-snapshot";
    return isSnapshot || least > tenant.applied ? undefined : tenant.applied;
  };
  const zookieRevision = (zookie: string): number => tenant.zookies.read(zookie);
  /** An answer where there has to be a refusal. */
  const insteadOf = (
    code: string,
    asked: Consistency | undefined,
    answer: (zookie: string) => number,
  ): number | undefined => {
    if (asked === undefined || !("zookie" in asked)) return undefined;
    try {
      revisionFor(asked);
      return undefined;
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === code)) throw error;
      return answer(asked.zookie);
    }
  };
  const wrong = (asked: Consistency | undefined): number | undefined => {
    const kind = asked?.kind ?? "minimize-latency";
    const isFresh = kind === "at-least-as-fresh" || kind === "fully-consistent";
    switch (fault) {
      case "answers-at-an-old-revision":
        return isFresh ? sample() : undefined;
      case "forgets-the-zookie":
        return kind === "at-least-as-fresh" ? sample() : undefined;
      case "answers-the-head":
        return kind === "exact-snapshot" ? tenant.durable : undefined;
      case "shows-what-is-not-durable":
        return shown(asked);
      case "confirms-nothing":
        return kind === "fully-consistent" ? tenant.durable : undefined;
      case "answers-beyond-history":
        return insteadOf("zookie-expired", asked, zookieRevision);
      case "answers-the-future":
        return insteadOf("zookie-future", asked, () => tenant.durable);
      default:
        return undefined;
    }
  };
  return (asked) => wrong(asked) ?? revisionFor(asked);
}

function revisionIn(zookie: string): number {
  return Number(Buffer.from(zookie, "base64url").readBigUInt64BE(5));
}

function spoilViews(authz: Authz, fault: AuthzSabotage): void {
  const makeView = authz.makeView.bind(authz);
  authz.makeView = () => {
    const view = makeView();
    spoilView(view, fault);
    return view;
  };
}

function spoilView(view: View, fault: AuthzSabotage): void {
  const { cache, index } = view;
  const find = cache?.find.bind(cache);
  const put = cache?.put.bind(cache);
  const membership = index?.membership.bind(index);
  const loaded = view.loaded.bind(view);
  switch (fault) {
    case "keeps-cached-answers":
      if (cache !== null) cache.stamp = () => undefined;
      return;
    case "caches-without-revision":
      if (cache === null || find === undefined) return;
      cache.find = (evaluation, object, uid) =>
        find(over(evaluation, { revision: Number.MAX_SAFE_INTEGER }), object, uid);
      return;
    case "caches-beyond-expiry":
      if (cache === null || put === undefined) return;
      cache.put = (evaluation, object, options) =>
        put(over(evaluation, { expiresAt: Number.POSITIVE_INFINITY }), object, options);
      return;
    case "indexes-beyond-its-watermark":
      if (index === null || membership === undefined) return;
      index.membership = (evaluation, right, node) => {
        const { revision } = evaluation;
        for (const at of [revision, ...latest(revision)]) {
          const found = membership(over(evaluation, { revision: at }), right, node);
          if (found !== undefined) return found;
        }
        return undefined;
      };
      return;
    case "keeps-what-was-lost":
      view.rollBack = () => undefined;
      return;
    case "forgets-writes-while-loading":
      view.loaded = (durable) => loaded(durable);
      return;
    default:
    // Something else than the view is spoiled.
  }
}

/** Revisions that the index may speak for, where it does not for the one that was asked. */
function* latest(revision: number): Iterable<number> {
  for (let at = revision + 1; at < revision + 20; at++) yield at;
  for (let at = revision - 1; at > Math.max(0, revision - 5); at--) yield at;
}

const hasty = new WeakMap<AuthzChange, (outcome: AuthzOutcome) => void>();

/** Says that a change is durable as soon as it is applied. */
export function sabotageSubmit(world: World, submit: Submit): Submit {
  if (world.sabotage !== "acknowledges-what-is-applied") return submit;
  return (change) =>
    new Promise((resolve, reject) => {
      hasty.set(change, resolve);
      submit(change).then(resolve, reject);
    });
}

/** Writes relationships after everything else of their batch. */
export function relatesApart(store: Store): Store {
  return over(store, {
    async commit(batch) {
      if (batch.relations.length === 0) return store.commit(batch);
      const { relations, ...rest } = batch;
      await store.commit({ ...rest, relations: [] });
      const after: Batch = makeBatch(batch.epochs as Map<number, number>); // made by the same
      after.relations.push(...relations);
      await store.commit(after);
    },
  });
}
