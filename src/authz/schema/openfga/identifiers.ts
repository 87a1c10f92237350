/** What names and ids may look like in OpenFGA. */

export const typeRule = "^[^:#@\\*\\s]{1,254}$";
export const relationRule = "^[^:#@\\*\\s]{1,50}$";

const type = /^[^:#@*\s]{1,254}$/;
const relation = /^[^:#@*\s]{1,50}$/;
const condition = /^[^*\s]{1,50}$/;
const objectId = /^[^#:\s*][a-zA-Z0-9_|*@.+/-]*$/;

/** Characters of `type:id` together. */
const longestObject = 256;

export function isTypeName(text: string): boolean {
  return type.test(text);
}

export function isRelationName(text: string): boolean {
  return relation.test(text);
}

export function isConditionName(text: string): boolean {
  return condition.test(text);
}

export function isObjectId(text: string): boolean {
  return objectId.test(text);
}

/** `type:id` */
export function isObject(text: string): boolean {
  const colon = text.indexOf(":");
  if (colon < 0 || text.length > longestObject) return false;
  return isTypeName(text.slice(0, colon)) && isObjectId(text.slice(colon + 1));
}

/** `type:id`, `type:*` or `type:id#relation` */
export function isUser(text: string): boolean {
  const hash = text.indexOf("#");
  if (hash >= 0) return isObject(text.slice(0, hash)) && isRelationName(text.slice(hash + 1));
  return text.endsWith(":*") ? isTypeName(text.slice(0, -2)) : isObject(text);
}
