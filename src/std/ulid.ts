const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * A ULID (github.com/ulid/spec): 48 bits of time in milliseconds and 80 random ones, as 26 characters
 * of Crockford's base 32. Those made later sort later, as text.
 *
 * @param random gives 32 random bits.
 */
export function makeUlid(now: number, random: () => number): string {
  let time = "";
  let rest = now;
  for (let i = 0; i < 10; i++) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  // Five bits of randomness for each character; what is left of 32 bits is thrown away.
  let chance = "";
  for (let word = 0; word < 3; word++) {
    let bits = random() >>> 0;
    for (let i = 0; i < 6 && chance.length < 16; i++) {
      chance += alphabet.charAt(bits & 31);
      bits >>>= 5;
    }
  }
  return time + chance;
}

/** Whether a text has the form of a ULID. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
