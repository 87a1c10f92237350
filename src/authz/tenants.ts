import { fail } from "../model/errors.ts";
import type { Tenant } from "./tenant.ts";

/** Which tenants are here, where several nodes have one store. */
export interface Share {
  /** How many partitions the store has. */
  readonly partitions: number;
  /** The partition whose owner is the one writer of a tenant. */
  partitionOf(tenant: string): number;
  owns(partition: number): boolean;
}

/** One process has all of it. */
export const everything: Share = { partitions: 1, partitionOf: () => 0, owns: () => true };

/**
 * Which tenants there are: as applied, for the loop, and as durable, for everybody else. So a tenant
 * is there for those who ask from when its creation is durable until its deletion is.
 */
export class Tenants implements Iterable<Tenant> {
  readonly share: Share;
  readonly #applied = new Map<string, Tenant>();
  readonly #durable = new Map<string, Tenant>();
  readonly #byNumber = new Map<number, Tenant>();
  /** The highest number that was given out, by partition. */
  readonly #numbers = new Map<number, number>();

  constructor(share: Share) {
    this.share = share;
  }

  /** Those that are durable. */
  [Symbol.iterator](): Iterator<Tenant> {
    return this.#durable.values();
  }

  get size(): number {
    return this.#applied.size;
  }

  isHere(id: string): boolean {
    const { share } = this;
    return share.owns(share.partitionOf(id));
  }

  /** For those who ask: `unknown-tenant`, and `fenced-out` where it is another node's. */
  durable(id: string): Tenant {
    const tenant = this.#durable.get(id);
    if (tenant === undefined) throw this.#missing(id);
    return tenant;
  }

  /** For the loop. */
  applied(id: string): Tenant {
    const tenant = this.#applied.get(id);
    if (tenant === undefined) throw this.#missing(id);
    return tenant;
  }

  #missing(id: string): Error {
    if (this.isHere(id)) return fail("unknown-tenant", { tenant: id });
    return fail("fenced-out", { partition: this.share.partitionOf(id) });
  }

  find(id: string): Tenant | undefined {
    return this.#applied.get(id);
  }

  byNumber(number: number): Tenant | undefined {
    return this.#byNumber.get(number);
  }

  /**
   * Whether an id can be given out. One whose deletion is not durable cannot, so that no batch has
   * the end of one tenant and the beginning of the next.
   */
  isTaken(id: string): boolean {
    return this.#applied.has(id) || this.#durable.has(id);
  }

  /**
   * A number that no other tenant has. Each partition has numbers of its own, so that its owner need
   * not ask anybody.
   */
  nextNumber(id: string): number {
    const { partitions, partitionOf } = this.share;
    const partition = partitionOf(id);
    const last = this.#numbers.get(partition);
    const number = last === undefined ? partition || partitions : last + partitions;
    this.used(number);
    return number;
  }

  /** This number is taken: somebody has it, or had it and something is left. */
  used(number: number): void {
    const partition = number % this.share.partitions;
    this.#numbers.set(partition, Math.max(number, this.#numbers.get(partition) ?? 0));
  }

  // What happens to them.

  created(tenant: Tenant): void {
    this.#applied.set(tenant.id, tenant);
    this.#byNumber.set(tenant.number, tenant);
  }

  deleted(tenant: Tenant): void {
    this.#applied.delete(tenant.id);
    tenant.leaving = true;
  }

  /** Its creation, or its deletion, is durable. */
  becameDurable(tenant: Tenant): void {
    if (tenant.leaving) this.#forget(tenant);
    else this.#durable.set(tenant.id, tenant);
  }

  #forget(tenant: Tenant): void {
    if (this.#durable.get(tenant.id) === tenant) this.#durable.delete(tenant.id);
    if (this.#applied.get(tenant.id) === tenant) this.#applied.delete(tenant.id);
    this.#byNumber.delete(tenant.number);
  }

  /**
   * Only those that the store has are left, whatever was applied and not durable.
   * @returns those that are gone.
   */
  rollBack(stored: ReadonlySet<number>): Tenant[] {
    const gone: Tenant[] = [];
    for (const tenant of [...this.#byNumber.values()]) {
      if (stored.has(tenant.number)) {
        tenant.leaving = false;
        this.#applied.set(tenant.id, tenant);
        this.#durable.set(tenant.id, tenant);
      } else {
        tenant.leaving = true;
        this.#forget(tenant);
        gone.push(tenant);
      }
    }
    return gone;
  }
}
