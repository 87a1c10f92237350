import type {
  AuthzPort,
  CreateTenant,
  Page,
  PageRequest,
  TenantDescription,
  TenantPort,
} from "../../model/authz.ts";
import type { MetricSample } from "../metrics.ts";

interface Counts {
  checks: number;
  lookups: number;
  writes: number;
  errors: number;
}

/** So many tenants have samples of their own; all others together are `other`. */
const tenantsMax = 100;

/** A port that counts, by tenant, what goes through it. */
export class MeteredAuthz implements AuthzPort {
  readonly #port: AuthzPort;
  readonly #counts = new Map<string, Counts>();
  readonly #other: Counts = makeCounts();
  readonly #tenants = new Map<string, TenantPort>();

  constructor(port: AuthzPort) {
    this.#port = port;
  }

  createTenant(request?: CreateTenant): Promise<TenantDescription> {
    return this.#port.createTenant(request);
  }

  deleteTenant(id: string): Promise<void> {
    this.#tenants.delete(id);
    return this.#port.deleteTenant(id);
  }

  tenants(page?: PageRequest & { readonly name?: string }): Promise<Page<TenantDescription>> {
    return this.#port.tenants(page);
  }

  tenant(id: string): TenantPort {
    const known = this.#tenants.get(id);
    if (known !== undefined) return known;
    const made = meter(this.#port.tenant(id), new TenantMeter(this.#other, () => this.#named(id)));
    // Ids come from outside, so that there may be no end of them.
    if (this.#tenants.size >= tenantsMax * 10) this.#tenants.clear();
    this.#tenants.set(id, made);
    return made;
  }

  measure(): MetricSample[] {
    return [...this.#counts, ["other", this.#other] as const].flatMap(([tenant, counts]) => [
      sample("checks", "Questions whether somebody may do something.", tenant, counts.checks),
      sample("lookups", "Lists of resources, subjects or permissions.", tenant, counts.lookups),
      sample("writes", "Changes of relationships.", tenant, counts.writes),
      sample("errors", "Questions and changes that were refused.", tenant, counts.errors),
    ]);
  }

  #named(id: string): Counts {
    const known = this.#counts.get(id);
    if (known !== undefined) return known;
    if (this.#counts.size >= tenantsMax) return this.#other;
    const counts = makeCounts();
    this.#counts.set(id, counts);
    return counts;
  }
}

function makeCounts(): Counts {
  return { checks: 0, lookups: 0, writes: 0, errors: 0 };
}

/** Counts for one tenant; one that has never answered has no name in the metrics. */
class TenantMeter {
  readonly #other: Counts;
  readonly #name: () => Counts;
  #counts: Counts;

  constructor(other: Counts, name: () => Counts) {
    this.#other = other;
    this.#name = name;
    this.#counts = other;
  }

  watch<T>(answer: Promise<T>, kind: keyof Counts, count = 1): Promise<T> {
    answer.then(
      () => {
        if (this.#counts === this.#other) this.#counts = this.#name();
        this.#counts[kind] += count;
      },
      () => {
        this.#counts.errors++;
      },
    );
    return answer;
  }
}

/** The same tenant, with what is asked of it counted. */
function meter(port: TenantPort, counts: TenantMeter): TenantPort {
  return {
    id: port.id,
    describe: () => port.describe(),
    writeSchema: (request) => port.writeSchema(request),
    readSchema: (id) => port.readSchema(id),
    schemas: (page) => port.schemas(page),
    write: (request) => counts.watch(port.write(request), "writes", request.updates.length),
    deleteRelationships: (request) => counts.watch(port.deleteRelationships(request), "writes"),
    deleteObject: (object) => counts.watch(port.deleteObject(object), "writes"),
    read: (request) => port.read(request),
    changes: (request) => port.changes(request),
    watch: (request) => port.watch(request),
    check: (request) => counts.watch(port.check(request), "checks"),
    checkMany: (request) => counts.watch(port.checkMany(request), "checks", request.items.length),
    expand: (request) => counts.watch(port.expand(request), "lookups"),
    lookupResources: (request) => counts.watch(port.lookupResources(request), "lookups"),
    lookupSubjects: (request) => counts.watch(port.lookupSubjects(request), "lookups"),
    permissions: (request) => counts.watch(port.permissions(request), "lookups"),
    writeDocument: (name, text) => port.writeDocument(name, text),
    readDocument: (name) => port.readDocument(name),
  };
}

// Four texts in a row would be two too many anywhere but at home.
function sample(name: string, help: string, tenant: string, value: number): MetricSample {
  return {
    name: `holdfast_authz_${name}_total`,
    help: `${help} By tenant.`,
    type: "counter",
    labels: { tenant },
    value,
  };
}
