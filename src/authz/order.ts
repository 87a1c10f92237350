/**
 * Order of the bytes of UTF-8, in which stores keep their rows. It differs from that of UTF-16 only
 * where one of two is beyond the basic plane.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (one === other) continue;
    const [oneIsSurrogate, otherIsSurrogate] = [isSurrogate(one), isSurrogate(other)];
    if (oneIsSurrogate !== otherIsSurrogate) return oneIsSurrogate ? 1 : -1;
    return one - other;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
