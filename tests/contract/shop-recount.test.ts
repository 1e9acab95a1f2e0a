/** The shop of examples/, told what no generator would say: its tables hold what a recount of the records says. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DrivenShop } from '../../examples/shop/driven-shop.ts';
import { customerChanged, customerGone, orderPlaced, paymentMade, type ShopEvent } from '../../examples/shop/events.ts';
import { CUSTOMER_GRACE_MS, HOUR_MS, PAYMENT_DUE_MS } from '../../examples/shop/names.ts';
import { recount } from '../../examples/shop/recount.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 100);

const START_MS = Date.UTC(2026, 0, 1);
const STEP_MS = 5_000;
/** Of any of them there may be many at one moment. */
const time = fc.nat({ max: (2 * HOUR_MS) / STEP_MS }).map((steps) => START_MS + steps * STEP_MS);
const text = (timestampMs: number): string => new Date(timestampMs).toISOString();
const customerId = fc.constantFrom('ann', 'bob', 'eve');
const number = fc.nat({ max: 11 });
const late = fc.oneof(fc.constant(0), fc.nat({ max: HOUR_MS }));

interface Told {
  readonly event: ShopEvent;
  readonly delayMs: number;
}

const order = fc
  .record({
    customerId,
    placedMs: time,
    lines: fc.array(
      fc.record({
        sku: fc.constantFrom('pen', 'ink'),
        quantity: fc.integer({ min: 1, max: 3 }),
        cents: fc.nat({ max: 4 }),
      }),
      { maxLength: 3 },
    ),
    delayMs: late,
  })
  .map(({ placedMs, delayMs, ...content }) => (orderId: string): Told => ({
    event: orderPlaced({ orderId, ...content, placedAt: text(placedMs) }),
    delayMs,
  }));

const payment = fc
  .record({ of: number, cents: fc.nat({ max: 8 }), paidMs: time, delayMs: late })
  .map(({ of, cents, paidMs, delayMs }) => (paymentId: string): Told => ({
    event: paymentMade({ paymentId, orderId: `order-${String(of)}`, cents, paidAt: text(paidMs) }),
    delayMs,
  }));

/** Told in time for the orders that wait for it. */
const change = fc
  .record({
    customerId,
    country: fc.constantFrom('DE', 'FR', null),
    atMs: time,
    delayMs: fc.nat({ max: CUSTOMER_GRACE_MS - 1 }),
  })
  .map(({ customerId: id, country, atMs, delayMs }): Told => ({
    event:
      country === null
        ? customerGone(id, atMs)
        : customerChanged({ customerId: id, name: id, country, since: text(START_MS) }, atMs),
    delayMs,
  }));

const life = fc
  .record({
    orders: fc.array(order, { maxLength: 12 }),
    payments: fc.array(payment, { maxLength: 12 }),
    changes: fc.array(change, { maxLength: 8 }),
    partitions: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ orders, payments, changes, partitions }) => ({
    partitions,
    events: [
      ...orders.map((make, n) => make(`order-${String(n)}`)),
      ...payments.map((make, n) => make(`payment-${String(n)}`)),
      ...changes,
    ]
      .sort((a, b) => a.event.timestampMs + a.delayMs - (b.event.timestampMs + b.delayMs))
      .map(({ event }) => event),
  }));

/** Enough orders to move the time of every partition, by order and by customer. */
function ordersEverywhere(placedMs: number): ShopEvent[] {
  return Array.from({ length: 30 }, (_, n) =>
    orderPlaced({ orderId: `last-${String(n)}`, customerId: `last-${String(n)}`, lines: [], placedAt: text(placedMs) }),
  );
}

describe('the shop', () => {
  test('counts orders, payments and customers in any order as the recount does', async () => {
    await fc.assert(
      fc.asyncProperty(life, async ({ events, partitions }) => {
        const shop = new DrivenShop(partitions);
        const endMs = START_MS + 3 * HOUR_MS + PAYMENT_DUE_MS;
        const all = [...events, ...ordersEverywhere(endMs)];
        await shop.pipe(...all);
        expect(shop.numbers()).toEqual(recount(all, endMs));
      }),
      { numRuns: RUNS },
    );
  });
});
