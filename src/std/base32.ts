const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Crockford's base 32 in lower case of a non-negative safe integer: no i, l, o or u. */
export function encodeBase32(value: number, width = 1): string {
  let text = "";
  let rest = value;
  do {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  } while (rest > 0);
  return text.padStart(width, "0");
}

/** The integer again, or `undefined` for foreign characters or more than a safe integer holds. */
export function decodeBase32(text: string): number | undefined {
  if (text === "" || text.length > 11) return undefined;
  let value = 0;
  for (const char of text) {
    const digit = alphabet.indexOf(char);
    if (digit < 0) return undefined;
    value = value * 32 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}
