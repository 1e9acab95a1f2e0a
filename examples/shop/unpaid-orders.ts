import {
  keyValueStore,
  stringSerde,
  zodSerde,
  type ProcessorContext,
  type ProcessorFunction,
} from '@tributary/streams';
import { UnpaidOrder } from './model.ts';
import { PAYMENT_DUE_MS } from './names.ts';
import type { OpenOrder } from './open-orders.ts';

const LOOK_EVERY_MS = 1_000;

/** Orders that are 15 minutes old and not paid: a row goes when its order is paid after all. */
export const unpaidStore = keyValueStore('unpaid-orders', { value: zodSerde(UnpaidOrder) });
/** Orders that become so old, by the time at which they do. */
export const dueStore = keyValueStore('due-orders', { value: stringSerde });

/**
 * Reads the changes of `open-orders`, and looks by stream time which of them have become too old: the numbers depend on
 * what the topics say, not on when they were read.
 */
export function watchUnpaidOrders(
  context: ProcessorContext<never, never>,
): ProcessorFunction<string, OpenOrder | null> {
  const open = context.keyValueStore<OpenOrder>('open-orders');
  const unpaid = context.store(unpaidStore);
  const due = context.store(dueStore);

  context.schedule({ everyMs: LOOK_EVERY_MS, clock: 'stream-time' }, (nowMs) => {
    for (const [key, orderId] of [...due.range(undefined, dueKey(nowMs))]) {
      due.delete(key);
      // One that was paid in time has no row any more.
      const { order = null, paidCents = 0 } = open.get(orderId) ?? {};
      if (order !== null) unpaid.put(orderId, { ...order, paidCents });
    }
  });

  return (row, orderId) => {
    const { order = null, paidCents = 0 } = row ?? {};
    if (order === null) {
      // Paid, also if somebody has paid too much since. Most orders are paid in time and never were in here.
      if (unpaid.get(orderId) !== undefined) unpaid.delete(orderId);
      return;
    }
    const dueMs = Date.parse(order.placedAt) + PAYMENT_DUE_MS;
    if (dueMs <= context.streamTimeMs()) unpaid.put(orderId, { ...order, paidCents });
    else due.put(dueKey(dueMs, orderId), orderId);
  };
}

/** Keys in order of time; without an order, behind all keys of that time. */
function dueKey(dueMs: number, orderId = '\u{10ffff}'): string {
  return `${new Date(dueMs).toISOString()} ${orderId}`;
}
