/**
 * IP addresses and networks, as Go's `net/netip` reads them, which both products use: an IPv4 address
 * in the clothes of IPv6 (`::ffff:1.2.3.4`) is an IPv4 address.
 */
export class IpAddress {
  readonly bits: bigint;
  readonly width: 32 | 128;
  readonly zone: string;

  constructor(bits: bigint, width: 32 | 128, zone = "") {
    this.bits = bits;
    this.width = width;
    this.zone = zone;
  }
}

export interface IpNetwork {
  readonly address: IpAddress;
  readonly length: number;
}

/** undefined when it is none. */
export function parseIp(text: string): IpAddress | undefined {
  const read = readIp(text);
  return read === undefined ? undefined : unmap(read);
}

/**
 * `10.0.0.0/8`. A mapped network of at least 96 bits is one of IPv4. The bits behind the prefix
 * need not be zero; zones are not allowed.
 */
export function parseCidr(text: string): IpNetwork | undefined {
  const slash = text.lastIndexOf("/");
  const digits = text.slice(slash + 1);
  if (slash < 0 || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const address = readIp(text.slice(0, slash));
  const length = Number(digits);
  if (address === undefined || address.zone !== "" || length > address.width) return undefined;
  const plain = unmap(address);
  if (plain === address) return { address, length };
  return length < 96 ? { address, length } : { address: plain, length: length - 96 };
}

/** An address with a zone is in no network. */
export function isInNetwork(address: IpAddress, network: IpNetwork): boolean {
  const { width } = network.address;
  if (address.width !== width || address.zone !== "") return false;
  const shift = BigInt(width - network.length);
  return address.bits >> shift === network.address.bits >> shift;
}

export function equalIps(one: IpAddress, other: IpAddress): boolean {
  return one.bits === other.bits && one.width === other.width && one.zone === other.zone;
}

export function formatIp({ bits, width, zone }: IpAddress): string {
  if (width === 32) {
    return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bits >> BigInt(112 - at * 16)) & 0xffffn).toString(16),
  );
  return shorten(groups) + (zone === "" ? "" : `%${zone}`);
}

function unmap(address: IpAddress): IpAddress {
  const isMapped = address.width === 128 && address.bits >> 32n === 0xffffn;
  return isMapped ? new IpAddress(address.bits & 0xffffffffn, 32) : address;
}

function readIp(text: string): IpAddress | undefined {
  if (text.length > 256) return undefined;
  if (!text.includes(":")) {
    const bits = readV4(text);
    return bits === undefined ? undefined : new IpAddress(bits, 32);
  }
  const [address = "", ...zone] = text.split("%");
  if (zone.length > 0 && zone.join("%") === "") return undefined;
  const bits = readV6(address);
  return bits === undefined ? undefined : new IpAddress(bits, 128, zone.join("%"));
}

/** Four decimal numbers without leading zeros. */
function readV4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

/** Eight groups, one run of which may be `::`; the last two may be an IPv4 address. */
function readV6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, at) => readGroups(half, at === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? join(head) : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return join([...head, ...Array(8 - head.length - tail.length).fill(0n), ...tail]);
}

function readGroups(text: string, isLast: boolean): bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    if (isLast && at === parts.length - 1 && part.includes(".")) {
      const v4 = readV4(part);
      if (v4 === undefined) return undefined;
      groups.push(v4 >> 16n, v4 & 0xffffn);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`));
    } else {
      return undefined;
    }
  }
  return groups;
}

function join(groups: readonly bigint[]): bigint {
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** The first longest run of at least two zero groups becomes `::` (RFC 5952). */
function shorten(groups: readonly string[]): string {
  let best = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.length < 2) return groups.join(":");
  const tail = groups.slice(best.at + best.length).join(":");
  return `${groups.slice(0, best.at).join(":")}::${tail}`;
}
