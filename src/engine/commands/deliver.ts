import type { Core } from "../core.ts";
import type { DeliverCommand, ReceiptCommand } from "../engine.ts";

/**
 * A message from another partition. What was received before is dropped, in the same transaction as
 * the effect of what is new; so a sender may repeat itself until it has a receipt.
 */
export function applyDeliver(core: Core, command: DeliverCommand): void {
  const { source, destination, sequence, reply } = command;
  const own = core.owned.get(destination);
  if (own === undefined) return;
  const received = own.received.get(source) ?? 0;
  if (sequence <= received) {
    core.counts.duplicates++;
    core.reply(reply, undefined);
    return;
  }
  // One that overtook others is left alone: without a receipt it comes again, in its order.
  if (sequence > received + 1) return;
  own.received.set(source, sequence);
  core.touch(destination).putReceived.push({ partition: destination, source, sequence });
  core.internal.push(command.inner);
  core.reply(reply, undefined);
}

/**
 * The destination has it durably, so the sender forgets all before it. The message itself stays as
 * the mark from which the sender goes on counting after a restart.
 */
export function applyReceipt(core: Core, command: ReceiptCommand): void {
  const { source, destination, row } = command;
  if (!core.owns(source)) return;
  core.touch(source).truncateOutbox.push({ partition: source, destination, upTo: row - 1 });
}
