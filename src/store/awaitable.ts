/** A value now, or a promise of one: stores in this process answer at once. */
export type Awaitable<T> = T | Promise<T>;
