import { createHmac, timingSafeEqual } from "node:crypto";
import { fail } from "../model/errors.ts";
import type { Lineage } from "./lineage.ts";

/** Bytes: format, fingerprint of the tenant, revision, who wrote that, authentication. */
const layout = { format: 1, fingerprint: 4, revision: 8, lineage: 4, mac: 16 } as const;
const revisionAt = layout.format + layout.fingerprint;
const lineageAt = revisionAt + layout.revision;
const bodyLength = lineageAt + layout.lineage;
const length = bodyLength + layout.mac;
const format = 2;

/**
 * Makes and reads the zookies and cursors of one tenant (Zanzibar, §2.4.1). They are authenticated
 * with a key of the tenant (HMAC-SHA-256, RFC 2104, cut to 128 bits), so nobody can make one for a
 * revision that was never given out; what was given out elsewhere is told apart by a fingerprint, and
 * what was given out before the store was set back to a copy by the lineage of the revision.
 */
export class Zookies {
  readonly #key: Uint8Array;
  readonly #lineage: Lineage;
  readonly #fingerprint: Buffer;
  #latestRevision = -1;
  #latest = "";

  /** @param key of the tenant, which nobody else has. */
  constructor(key: Uint8Array, lineage: Lineage) {
    this.#key = key;
    this.#lineage = lineage;
    this.#fingerprint = this.#mac("fingerprint", new Uint8Array()).subarray(0, layout.fingerprint);
  }

  /** The zookie of a revision. */
  make(revision: number): string {
    if (revision === this.#latestRevision) return this.#latest;
    const bytes = Buffer.alloc(length);
    bytes.writeUInt8(format, 0);
    this.#fingerprint.copy(bytes, layout.format);
    bytes.writeBigUInt64BE(BigInt(revision), revisionAt);
    bytes.writeUInt32BE(this.#lineage.idOf(revision), lineageAt);
    this.#mac("zookie", bytes.subarray(0, bodyLength)).copy(bytes, bodyLength);
    this.#latest = bytes.toString("base64url");
    this.#latestRevision = revision;
    return this.#latest;
  }

  /**
   * The revision of a zookie: `zookie-invalid` or `zookie-foreign` if it is not one of these,
   * `zookie-future` if its revision was lost, `zookie-expired` if it is too old to tell.
   */
  read(zookie: string): number {
    if (zookie === this.#latest) return this.#latestRevision;
    const { revision, lineage } = this.parse(zookie);
    this.#requireOurs(revision, lineage);
    return revision;
  }

  #requireOurs(revision: number, lineage: number): void {
    if (this.#lineage.idOf(revision) === lineage) return;
    throw fail(this.#lineage.reaches(revision) ? "zookie-future" : "zookie-expired");
  }

  /** What a zookie of this tenant says, though its revision may have been lost. */
  parse(zookie: string): { readonly revision: number; readonly lineage: number } {
    const bytes = decode(zookie);
    if (bytes?.length !== length || bytes[0] !== format) {
      throw fail("zookie-invalid", { reason: "it has not the form of one" });
    }
    const fingerprint = bytes.subarray(layout.format, layout.format + layout.fingerprint);
    if (!fingerprint.equals(this.#fingerprint)) throw fail("zookie-foreign");
    const body = bytes.subarray(0, bodyLength);
    if (!timingSafeEqual(this.#mac("zookie", body), bytes.subarray(bodyLength))) {
      throw fail("zookie-invalid", { reason: "it was changed" });
    }
    return {
      revision: Number(bytes.readBigUInt64BE(revisionAt)),
      lineage: bytes.readUInt32BE(lineageAt),
    };
  }

  /**
   * A cursor: where to go on with just this question, and at which revision.
   * @param question whatever must not change between pages.
   */
  makeCursor(question: string, place: CursorPlace): string {
    const { revision, at } = place;
    const body = Buffer.from(JSON.stringify([revision, at, this.#lineage.idOf(revision)]));
    const mac = this.#mac(`cursor\0${question}`, body);
    return Buffer.concat([mac, body]).toString("base64url");
  }

  /** `invalid-cursor` if it was made for another question, elsewhere, or not at all; as `read`. */
  readCursor(question: string, cursor: string): CursorPlace {
    const bytes = decode(cursor);
    if (bytes === undefined || bytes.length <= layout.mac) {
      throw fail("invalid-cursor", { reason: "it has not the form of one" });
    }
    const body = bytes.subarray(layout.mac);
    const mac = this.#mac(`cursor\0${question}`, body);
    if (!timingSafeEqual(mac, bytes.subarray(0, layout.mac))) {
      throw fail("invalid-cursor", { reason: "it belongs to another question, or was changed" });
    }
    // authenticated above
    const [revision, at, lineage] = JSON.parse(body.toString()) as [number, string, number];
    this.#requireOurs(revision, lineage);
    return { revision, at };
  }

  #mac(purpose: string, body: Uint8Array): Buffer {
    const mac = createHmac("sha256", this.#key).update(`${purpose}\0`).update(body).digest();
    return mac.subarray(0, layout.mac);
  }
}

export interface CursorPlace {
  readonly revision: number;
  /** The last that was given, as the question orders. */
  readonly at: string;
}

/** Only the one canonical spelling of a token counts. */
function decode(text: string): Buffer | undefined {
  if (typeof text !== "string" || text.length > 8_192) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
