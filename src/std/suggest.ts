/** What was probably meant: the nearest of some names to one that does not exist. */

/** Longer names are not compared: they are no slips of the pen. */
const longestName = 128;

/**
 * The candidate with the fewest slips (a letter too many, too few, wrong, or two changed about), if
 * these are few for the length of the name; the first of several. Undefined when nothing is near.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length === 0 || name.length > longestName) return undefined;
  let found: string | undefined;
  let most = slipsAllowed(name.length);
  for (const candidate of candidates) {
    if (candidate === name || candidate.length > longestName) continue;
    const slips = distance(name, candidate, most);
    if (slips > most) continue;
    found = candidate;
    if (slips <= 1) return found;
    most = slips - 1;
  }
  return found;
}

/** The sentence for a problem: `Did you mean "viewer"?`; undefined when nothing is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(name, candidates);
  return found === undefined ? undefined : `Did you mean "${found}"?`;
}

function slipsAllowed(length: number): number {
  return length <= 3 ? 1 : Math.min(4, Math.floor(length / 3));
}

/**
 * Edit distance with neighbours changed about (optimal string alignment); anything above `most`
 * when it is more than that. Only the band that can matter is computed.
 */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1).fill(most + 1);
    if (i <= most) row[0] = i;
    let least = row[0] ?? i;
    for (let j = Math.max(1, i - most); j <= Math.min(b.length, i + most); j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = at(last, j - 1) + (same ? 0 : 1);
      cost = Math.min(cost, at(last, j) + 1, at(row, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(before, j - 2) + 1);
      }
      row[j] = cost;
      least = Math.min(least, cost);
    }
    if (least > most) return most + 1;
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
