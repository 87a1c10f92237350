import type {
  AuthzPort,
  CreateTenant,
  Page,
  PageRequest,
  TenantDescription,
  TenantPort,
  UpdateTenant,
} from "../../model/authz.ts";
import type { MetricSample } from "../metrics.ts";

interface Counts {
  checks: number;
  lookups: number;
  writes: number;
  errors: number;
}

/**
 * So many tenants have samples of their own among those of the server; all others together are
 * `other`, and so is what was asked of tenants that are not there.
 */
const namedMax = 100;
/** Ports that are kept; ids come from outside, so that there may be no end of them. */
const portsMax = 1000;

/**
 * A port that counts, by tenant, what goes through it. Nothing is counted twice and nothing is left
 * out: what the tenants have and what is nobody's add up to what the server tells.
 */
export class MeteredAuthz implements AuthzPort {
  readonly #port: AuthzPort;
  /** Of tenants that are known to be there, so that there are no more than there are tenants. */
  readonly #counts = new Map<string, Counts>();
  readonly #named = new Set<string>();
  /** What belongs to no tenant that is there: it was deleted, or never was. */
  readonly #nobody: Counts = makeCounts();
  readonly #ports = new Map<string, TenantPort>();

  constructor(port: AuthzPort) {
    this.#port = port;
  }

  async createTenant(request?: CreateTenant): Promise<TenantDescription> {
    const created = await this.#port.createTenant(request);
    // One of that name was deleted behind its back.
    this.#forget(created.id);
    this.#know(created.id);
    return created;
  }

  updateTenant(id: string, request: UpdateTenant): Promise<TenantDescription> {
    return this.#port.updateTenant(id, request);
  }

  async deleteTenant(id: string): Promise<void> {
    await this.#port.deleteTenant(id);
    this.#forget(id);
  }

  tenants(page?: PageRequest & { readonly name?: string }): Promise<Page<TenantDescription>> {
    return this.#port.tenants(page);
  }

  tenant(id: string): TenantPort {
    const known = this.#ports.get(id);
    if (known !== undefined) return known;
    const made = meter(this.#port.tenant(id), {
      answered: () => this.#know(id),
      refused: () => this.#counts.get(id) ?? this.#nobody,
    });
    if (this.#ports.size >= portsMax) this.#ports.clear();
    this.#ports.set(id, made);
    return made;
  }

  /** Of all tenants, those without a name of their own together. */
  measure(): MetricSample[] {
    const other = { ...this.#nobody };
    for (const [id, counts] of this.#counts) if (!this.#named.has(id)) add(other, counts);
    const named = [...this.#named].map((id) => [id, this.#counts.get(id) ?? makeCounts()] as const);
    return [...named, ["other", other] as const].flatMap(([id, counts]) => samples(id, counts));
  }

  /** Of one tenant: `unknown-tenant`. */
  async measureTenant(id: string): Promise<MetricSample[]> {
    await this.#port.tenant(id).describe();
    return samples(id, this.#know(id));
  }

  #know(id: string): Counts {
    const known = this.#counts.get(id);
    if (known !== undefined) return known;
    const counts = makeCounts();
    this.#counts.set(id, counts);
    if (this.#named.size < namedMax) this.#named.add(id);
    return counts;
  }

  #forget(id: string): void {
    const counts = this.#counts.get(id);
    if (counts !== undefined) add(this.#nobody, counts);
    this.#counts.delete(id);
    this.#named.delete(id);
    this.#ports.delete(id);
  }
}

function makeCounts(): Counts {
  return { checks: 0, lookups: 0, writes: 0, errors: 0 };
}

function add(to: Counts, { checks, lookups, writes, errors }: Counts): void {
  to.checks += checks;
  to.lookups += lookups;
  to.writes += writes;
  to.errors += errors;
}

/** Where the answers of one tenant are counted: the first one shows that it is there. */
interface Meter {
  answered(): Counts;
  refused(): Counts;
}

/** The same tenant, with what is asked of it counted. */
function meter(port: TenantPort, { answered, refused }: Meter): TenantPort {
  const count = <T>(answer: Promise<T>, kind: keyof Counts, times = 1): Promise<T> => {
    answer.then(
      () => {
        answered()[kind] += times;
      },
      () => {
        refused().errors++;
      },
    );
    return answer;
  };
  return {
    id: port.id,
    describe: () => port.describe(),
    writeSchema: (request) => port.writeSchema(request),
    readSchema: (id) => port.readSchema(id),
    schemas: (page) => port.schemas(page),
    write: (request) => count(port.write(request), "writes", request.updates.length),
    deleteRelationships: (request) => count(port.deleteRelationships(request), "writes"),
    deleteObject: (object) => count(port.deleteObject(object), "writes"),
    read: (request) => port.read(request),
    changes: (request) => port.changes(request),
    watch: (request) => port.watch(request),
    check: (request) => count(port.check(request), "checks"),
    checkMany: (request) => count(port.checkMany(request), "checks", request.items.length),
    expand: (request) => count(port.expand(request), "lookups"),
    lookupResources: (request) => count(port.lookupResources(request), "lookups"),
    lookupSubjects: (request) => count(port.lookupSubjects(request), "lookups"),
    permissions: (request) => count(port.permissions(request), "lookups"),
    writeDocument: (name, text) => port.writeDocument(name, text),
    readDocument: (name) => port.readDocument(name),
  };
}

function samples(tenant: string, { checks, lookups, writes, errors }: Counts): MetricSample[] {
  return [
    sample("checks", "Questions whether somebody may do something.", tenant, checks),
    sample("lookups", "Lists of resources, subjects or permissions.", tenant, lookups),
    sample("writes", "Changes of relationships.", tenant, writes),
    sample("errors", "Questions and changes that were refused.", tenant, errors),
  ];
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
