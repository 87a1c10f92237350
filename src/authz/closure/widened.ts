/** A copy with room for `length` elements and half as many again; what is new is 0. */
export function widened(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(Math.max(16, Math.ceil(length * 1.5)));
  copy.set(array);
  return copy;
}
