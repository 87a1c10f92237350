import { hash, timingSafeEqual } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { type RequestHeaders, readCaller } from "./headers.ts";
import { allRights, type Grant, operations, Rights } from "./rights.ts";
import { printable } from "./target.ts";

/** A static bearer token; its name is what handlers see as the caller. */
export interface AccessToken {
  readonly name: string;
  readonly token: string;
  /** Confines it to authorization, and to these operations. Default: it may do everything. */
  readonly rights?: readonly Grant[];
  /** With `rights`: it may call and send to handlers besides, and do nothing else. */
  readonly calls?: boolean;
  /**
   * For a gateway that knows its users: it may call, and the header `x-holdfast-caller` names for whom.
   * What it may do besides is its own, whomever it names. Default: false, and the header is refused.
   */
  readonly onBehalf?: boolean;
}

/** Whoever was let in. */
export interface Visitor {
  /** What handlers see as the caller. */
  readonly caller: string | undefined;
  readonly rights: Rights;
}

interface KnownToken {
  readonly digest: Buffer;
  readonly visitor: Visitor;
  readonly onBehalf: boolean;
}

/**
 * Who may come in. With tokens, whoever has one. Without, only programs on this machine, and that
 * needs more than a loopback address: a web page can make the browser of the machine call it, under
 * a foreign name (DNS rebinding) or its own, so requests for other hosts or from pages are refused.
 */
export class Door {
  readonly #tokens: readonly KnownToken[];
  readonly #idLength: number;
  /** The last Host that was let in: nearly every request has the same. */
  #hostSeen = "";

  constructor(tokens: readonly AccessToken[], idLength: number) {
    const names = new Set<string>();
    for (const access of tokens) {
      const { name } = access;
      checkId("The name of an access token", name, idLength);
      const reason = names.has(name) ? `the name ${name} is given twice` : whyUnusable(access);
      if (reason !== undefined) {
        throw fail("invalid-configuration", { name: "HOLDFAST_TOKENS", reason });
      }
      names.add(name);
    }
    this.#idLength = idLength;
    this.#tokens = tokens.map(({ name, token, rights, calls = false, onBehalf = false }) => ({
      digest: digest(token),
      visitor: { caller: name, rights: new Rights(name, rights, { calls: calls || onBehalf }) },
      onBehalf,
    }));
  }

  get isOpen(): boolean {
    return this.#tokens.length === 0;
  }

  /** Refuses an address that others can reach while there is nothing they must show. */
  checkAddress(address: string): void {
    if (this.isOpen && !isLoopback(address)) throw fail("address-refused", { address });
  }

  /**
   * @returns who calls: whom the token names. Where no tokens are configured, and so only this
   *   machine can call, whoever calls may give a name, and is believed; and so is a token that calls
   *   on behalf of others.
   */
  admit(headers: RequestHeaders): Visitor {
    const { caller } = headers;
    if (this.isOpen) {
      this.checkSource(headers);
      return caller === undefined ? anybody : this.#named(caller, allRights);
    }
    const { visitor, onBehalf } = this.#findToken(headers);
    if (caller === undefined) return visitor;
    if (onBehalf) return this.#named(caller, visitor.rights);
    // Refused and not ignored: nobody shall believe that it counts.
    const reason = "this access token says who calls, and may not call on behalf of others";
    throw fail("invalid-argument", { what: "The header x-holdfast-caller", reason });
  }

  #named(header: string, rights: Rights): Visitor {
    return { caller: readCaller(header, this.#idLength), rights };
  }

  #findToken(headers: RequestHeaders): KnownToken {
    const [scheme = "", token = "", ...rest] = headers.authorization?.trim().split(/ +/) ?? [];
    const given = digest(token);
    let found: KnownToken | undefined;
    // All are compared, so that the time taken does not tell which one came close.
    for (const known of this.#tokens) {
      if (timingSafeEqual(known.digest, given)) found = known;
    }
    if (found === undefined || scheme.toLowerCase() !== "bearer" || rest.length > 0) {
      const isNone = headers.authorization === undefined;
      throw fail("unauthorized", {
        given: isNone ? "none was given" : "the one given is not known",
      });
    }
    return found;
  }

  /** What holds for every path, those that need no token included. */
  checkSource({ host, origin, fetchSite }: RequestHeaders): void {
    if (!this.isOpen) return;
    if (host !== this.#hostSeen && host !== undefined) {
      if (!loopbackHost.test(host)) throw fail("host-refused", { host: printable(host) });
      this.#hostSeen = host;
    }
    if (origin !== undefined && origin !== `http://${host}`) {
      throw fail("cross-site", { origin: printable(origin) });
    }
    if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") {
      throw fail("cross-site", { origin: origin === undefined ? "elsewhere" : printable(origin) });
    }
  }
}

const anybody: Visitor = { caller: undefined, rights: allRights };

function whyUnusable({ name, token, rights = [] }: AccessToken): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(token)) return `the token of ${name} is not one word of visible ASCII`;
  const isKnown = rights.every(({ tenant, operations: given }) => {
    return tenant !== "" && given.every((operation) => operations.includes(operation));
  });
  return isKnown ? undefined : `the rights of ${name} are not operations of tenants`;
}

export function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 6 ? "ipv6" : "ipv4");
}

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function digest(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
