/** Moments as people read them, in the time zone of the machine. */
import { formatDuration } from "../std/duration.ts";

/** `2026-11-21 10:05:47`. */
export function formatTime(at: number): string {
  // The Swedish way of writing is ISO's, with a space between day and time.
  return new Date(at).toLocaleString("sv-SE");
}

/** `3m 5s ago`, or `in 2h` for what is to come. */
export function formatAgo(at: number, now: number): string {
  return at > now ? `in ${formatDuration(at - now)}` : `${formatDuration(now - at)} ago`;
}
