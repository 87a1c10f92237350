import type {
  AuthzPort,
  CheckManyAnswer,
  CheckManyRequest,
  CreateTenant,
  Page,
  PageRequest,
  TenantDescription,
  TenantPort,
  UpdateTenant,
} from "../../model/authz.ts";
import type { MetricSample } from "../metrics.ts";
import { Latencies, Refusals } from "./tallies.ts";

interface Counts {
  checks: number;
  lookups: number;
  writes: number;
  errors: number;
}

/** What a tenant is, beside what it was asked. */
export interface TenantVitals {
  readonly id: string;
  readonly relationships: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
}

export interface MeterSources {
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  /** Of all tenants that are here. */
  readonly vitals: () => Iterable<TenantVitals>;
}

/** What is counted and timed, and as what it counts. */
const kinds = {
  check: "checks",
  "check-many": "checks",
  expand: "lookups",
  "lookup-resources": "lookups",
  "lookup-subjects": "lookups",
  permissions: "lookups",
  write: "writes",
  delete: "writes",
} as const satisfies Record<string, keyof Counts>;

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
  readonly #sources: MeterSources;
  readonly #latencies = new Latencies();
  readonly #refusals = new Refusals();
  /** Of tenants that are known to be there, so that there are no more than there are tenants. */
  readonly #counts = new Map<string, Counts>();
  readonly #named = new Set<string>();
  /** What belongs to no tenant that is there: it was deleted, or never was. */
  readonly #nobody: Counts = makeCounts();
  readonly #ports = new Map<string, TenantPort>();

  constructor(port: AuthzPort, sources: MeterSources) {
    this.#port = port;
    this.#sources = sources;
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
      refused: (error) => {
        this.#refusals.add(error);
        return this.#counts.get(id) ?? this.#nobody;
      },
      monotonic: this.#sources.monotonic,
      took: (operation, ms) => this.#latencies.add(operation, ms),
    });
    if (this.#ports.size >= portsMax) this.#ports.clear();
    this.#ports.set(id, made);
    return made;
  }

  /** Of all tenants, those without a name of their own together. */
  measure(): MetricSample[] {
    const there = [...this.#sources.vitals()];
    // Those that nobody has asked anything yet have relationships all the same.
    for (const { id } of there) this.#know(id);
    const other = { ...this.#nobody };
    for (const [id, counts] of this.#counts) if (!this.#named.has(id)) add(other, counts);
    const named = [...this.#named].map((id) => [id, this.#counts.get(id) ?? makeCounts()] as const);
    const counted = [...named, ["other", other] as const];
    return [
      ...counted.flatMap(([id, counts]) => samples(id, counts)),
      ...this.#vitalSamples(there),
      ...this.#latencies.samples(),
      ...this.#refusals.samples(),
    ];
  }

  #vitalSamples(there: readonly TenantVitals[]): MetricSample[] {
    const rest = { id: "other", relationships: 0, cacheHits: 0, cacheMisses: 0 };
    for (const { id, relationships, cacheHits, cacheMisses } of there) {
      if (this.#named.has(id)) continue;
      rest.relationships += relationships;
      rest.cacheHits += cacheHits;
      rest.cacheMisses += cacheMisses;
    }
    return [...there.filter(({ id }) => this.#named.has(id)), rest].flatMap(vitalSamples);
  }

  /** Of one tenant: `unknown-tenant`. */
  async measureTenant(id: string): Promise<MetricSample[]> {
    await this.#port.tenant(id).describe();
    const own = [...this.#sources.vitals()].filter((vitals) => vitals.id === id);
    return [...samples(id, this.#know(id)), ...own.flatMap(vitalSamples)];
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
  refused(error: unknown): Counts;
  monotonic(): number;
  took(operation: string, ms: number): void;
}

/** The same tenant, with what is asked of it counted. */
function meter(port: TenantPort, { answered, refused, monotonic, took }: Meter): TenantPort {
  const count = <T>(
    operation: keyof typeof kinds,
    ask: () => Promise<T>,
    times = 1,
  ): Promise<T> => {
    const began = monotonic();
    const answer = ask();
    answer.then(
      () => {
        answered()[kinds[operation]] += times;
        took(operation, monotonic() - began);
      },
      (error: unknown) => {
        refused(error).errors++;
        took(operation, monotonic() - began);
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
    write: (request) => count("write", () => port.write(request), request.updates.length),
    deleteRelationships: (request) => count("delete", () => port.deleteRelationships(request)),
    deleteObject: (object) => count("delete", () => port.deleteObject(object)),
    read: (request) => port.read(request),
    changes: (request) => port.changes(request),
    watch: (request) => port.watch(request),
    check: (request) => count("check", () => port.check(request)),
    checkMany: (request) => count("check-many", () => checkMany(request), request.items.length),
    expand: (request) => count("expand", () => port.expand(request)),
    lookupResources: (request) => count("lookup-resources", () => port.lookupResources(request)),
    lookupSubjects: (request) => count("lookup-subjects", () => port.lookupSubjects(request)),
    permissions: (request) => count("permissions", () => port.permissions(request)),
    writeDocument: (name, text) => port.writeDocument(name, text),
    readDocument: (name) => port.readDocument(name),
  };

  /** Those of a bulk that are refused are errors of their own in an answer that is none. */
  async function checkMany(request: CheckManyRequest): Promise<CheckManyAnswer> {
    const answer = await port.checkMany(request);
    for (const item of answer.items) if ("error" in item) refused(item.error).errors++;
    return answer;
  }
}

function samples(tenant: string, { checks, lookups, writes, errors }: Counts): MetricSample[] {
  return [
    sample("checks", "Questions whether somebody may do something.", tenant, checks),
    sample("lookups", "Lists of resources, subjects or permissions.", tenant, lookups),
    sample("writes", "Changes of relationships.", tenant, writes),
    sample("errors", "Questions and changes that were refused.", tenant, errors),
  ];
}

function vitalSamples({
  id: tenant,
  relationships,
  cacheHits,
  cacheMisses,
}: TenantVitals): MetricSample[] {
  return [
    {
      name: "holdfast_authz_relationships",
      help: "Relationships that hold, up to expired ones not yet taken away. By tenant.",
      type: "gauge",
      labels: { tenant },
      value: relationships,
    },
    sample("cache_hits", "Answers, and parts of them, that were kept.", tenant, cacheHits),
    sample("cache_misses", "Those that had to be found out.", tenant, cacheMisses),
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
