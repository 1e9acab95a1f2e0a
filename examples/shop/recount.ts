import type { ShopEvent } from './events.ts';
import type { Customer, Order, SkuTotals, Totals, UnpaidOrder } from './model.ts';

/** The rows of the shop's tables, by key; those of hours by `<country> <start of the hour>`. */
export interface ShopNumbers {
  readonly customerTotals: Readonly<Record<string, Totals>>;
  readonly skuTotals: Readonly<Record<string, SkuTotals>>;
  readonly countryHours: Readonly<Record<string, Totals>>;
  readonly unpaidOrders: Readonly<Record<string, UnpaidOrder>>;
}

interface Version {
  readonly fromMs: number;
  readonly customer: Customer | null;
}

/**
 * What the tables must hold, counted from the records of the topics in the plainest way: it shares nothing with the
 * topology but the schemas' types. `nowMs` is how far time has come, by the records themselves; they span less than the
 * week for which hours are kept.
 */
export function recount(events: Iterable<ShopEvent>, nowMs: number): ShopNumbers {
  const customerTotals: Record<string, Totals> = {};
  const skuTotals: Record<string, SkuTotals> = {};
  const countryHours: Record<string, Totals> = {};
  const unpaidOrders: Record<string, UnpaidOrder> = {};

  const orders: Order[] = [];
  const paid: Record<string, number> = {};
  const versions: Record<string, Version[]> = {};
  for (const { topic, key, value, timestampMs } of events) {
    if (topic === 'orders') orders.push(value);
    else if (topic === 'payments') paid[key] = (paid[key] ?? 0) + value.cents;
    else (versions[key] ??= []).push({ fromMs: timestampMs, customer: value });
  }

  for (const { orderId, customerId, lines, placedAt } of orders) {
    const placedMs = Date.parse(placedAt);
    let cents = 0;
    for (const line of lines) cents += line.cents;

    const ofCustomer = (customerTotals[customerId] ??= { orders: 0, cents: 0 });
    ofCustomer.orders += 1;
    ofCustomer.cents += cents;

    for (const sku of new Set(lines.map((line) => line.sku))) {
      const ofSku = (skuTotals[sku] ??= { orders: 0, cents: 0, quantity: 0 });
      ofSku.orders += 1;
      for (const line of lines) {
        if (line.sku !== sku) continue;
        ofSku.cents += line.cents;
        ofSku.quantity += line.quantity;
      }
    }

    // An order is counted for a country ten seconds after it was placed.
    if (placedMs + 10_000 <= nowMs) {
      const country = customerAt(versions[customerId], placedMs)?.country ?? 'unknown';
      const hour = `${placedAt.slice(0, 13)}:00:00.000Z`;
      const ofHour = (countryHours[`${country} ${hour}`] ??= { orders: 0, cents: 0 });
      ofHour.orders += 1;
      ofHour.cents += cents;
    }

    const paidCents = paid[orderId] ?? 0;
    if (paidCents < cents && placedMs + 15 * 60_000 <= nowMs)
      unpaidOrders[orderId] = { customerId, placedAt, cents, paidCents };
  }
  return { customerTotals, skuTotals, countryHours, unpaidOrders };
}

/** The customer as of a time: of what was said of the same moment, the last counts. */
function customerAt(versions: readonly Version[] = [], atMs: number): Customer | null {
  let found: Version | undefined;
  for (const version of versions)
    if (version.fromMs <= atMs && (found === undefined || version.fromMs >= found.fromMs)) found = version;
  return found?.customer ?? null;
}
