/**
 * A keyed hash of a short text for tables in memory: whoever does not know the key cannot choose
 * texts that fall together. HalfSipHash with one round per two code units and three at the end
 * (J.-P. Aumasson, D. J. Bernstein: SipHash, 2012, in its form for 32-bit words), both halves of its
 * key made from one number.
 * @returns 32 bits, as a signed number.
 */
export function keyedHash(text: string, key: number): number {
  let v0 = key | 0;
  let v1 = Math.imul(key, 0x9e3779b1) | 0;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  const { length } = text;
  for (let at = 0; at <= length; at += 2) {
    // The last word has the length, so that texts that begin alike are not each other's.
    const low = at < length ? text.charCodeAt(at) : length;
    const high = at + 1 < length ? text.charCodeAt(at + 1) : length;
    const word = low | (high << 16);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}
