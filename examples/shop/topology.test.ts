import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DrivenShop } from './driven-shop.ts';
import { customerChanged, customerGone, orderPlaced, paymentMade, type ShopEvent } from './events.ts';
import type { OrderLine } from './model.ts';
import { recount } from './recount.ts';
import { simulate } from './simulation.ts';

const START_MS = Date.UTC(2026, 0, 1, 12);
const MINUTE_MS = 60_000;
const PEN = { sku: 'pen', quantity: 2, cents: 300 };

/** `minute` counts from twelve o'clock. */
const atMs = (minute: number): number => START_MS + minute * MINUTE_MS;
const at = (minute: number): string => new Date(atMs(minute)).toISOString();

const order = (orderId: string, minute: number, customerId = 'ann', ...lines: OrderLine[]): ShopEvent =>
  orderPlaced({ orderId, customerId, lines: lines.length === 0 ? [PEN] : lines, placedAt: at(minute) });

const payment = (orderId: string, minute: number, cents = PEN.cents): ShopEvent =>
  paymentMade({ paymentId: `${orderId} ${String(minute)}`, orderId, cents, paidAt: at(minute) });

const gone = (customerId: string, minute: number): ShopEvent => customerGone(customerId, atMs(minute));

const lives = (customerId: string, country: string, minute: number): ShopEvent =>
  customerChanged({ customerId, name: 'Ann Berg', country, since: at(0) }, atMs(minute));

/** One partition each, so that any order moves the time of all. */
const newShop = (): DrivenShop => new DrivenShop(1);

describe('top articles', () => {
  test('an article that stands in two lines was ordered once', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 0, 'ann', PEN, { sku: 'ink', quantity: 1, cents: 900 }, PEN), order('2', 1));
    assert.deepEqual(shop.numbers().skuTotals, {
      ink: { orders: 1, quantity: 1, cents: 900 },
      pen: { orders: 2, quantity: 6, cents: 900 },
    });
  });
});

describe('lifetime totals', () => {
  test('are those of a customer, known or not', async () => {
    const shop = newShop();
    await shop.pipe(lives('ann', 'DE', 0), order('1', 1), order('2', 2), order('3', 3, 'bob'));
    assert.deepEqual(shop.numbers().customerTotals, {
      ann: { orders: 2, cents: 600 },
      bob: { orders: 1, cents: 300 },
    });
  });
});

describe('revenue per country and hour', () => {
  const revenue = async (...events: ShopEvent[]): Promise<Record<string, number>> => {
    const shop = newShop();
    // The last order makes those before it count, and waits itself.
    await shop.pipe(...events, order('last', 600));
    const { countryHours } = shop.numbers();
    return Object.fromEntries(
      Object.entries(countryHours).map(([key, { cents }]) => [`${key.slice(0, -24)}${key.slice(-13, -8)}`, cents]),
    );
  };

  test('an order counts in its own hour, whenever it is told', async () => {
    assert.deepEqual(
      await revenue(lives('ann', 'DE', 0), order('1', 59), order('2', 125), order('3', 60), order('4', 10)),
      { 'DE 12:00': 600, 'DE 13:00': 300, 'DE 14:00': 300 },
    );
  });

  test('an order counts where its customer lived when it was placed', async () => {
    assert.deepEqual(
      await revenue(
        lives('ann', 'DE', 0),
        order('1', 1),
        lives('ann', 'FR', 5),
        order('2', 5),
        order('3', 4),
        gone('ann', 8),
        order('4', 7),
        order('5', 9),
      ),
      { 'DE 12:00': 600, 'FR 12:00': 600, 'unknown 12:00': 300 },
    );
  });

  test('a customer may be told ten seconds after the order, and not later', async () => {
    const seconds = 1 / 60;
    assert.deepEqual(
      await revenue(
        order('1', 1, 'ann'),
        order('2', 1, 'bob'),
        order('3', 1 + 9 * seconds, 'eve'),
        lives('ann', 'DE', 0),
        order('4', 1 + 10 * seconds, 'eve'),
        lives('bob', 'FR', 0),
      ),
      { 'DE 12:00': 300, 'unknown 12:00': 900 },
    );
  });
});

describe('orders unpaid for 15 minutes', () => {
  const unpaid = (shop: DrivenShop): Record<string, number> =>
    Object.fromEntries(
      Object.entries(shop.numbers().unpaidOrders).map(([orderId, { cents, paidCents }]) => [
        orderId,
        cents - paidCents,
      ]),
    );

  test('are told when they become so old, and taken back when they are paid', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 0), order('2', 14));
    assert.deepEqual(unpaid(shop), {});
    await shop.pipe(order('3', 15));
    assert.deepEqual(shop.numbers().unpaidOrders, {
      '1': { customerId: 'ann', placedAt: at(0), cents: 300, paidCents: 0 },
    });
    await shop.pipe(payment('1', 16));
    assert.deepEqual(unpaid(shop), {});
  });

  test('a payment moves time as an order does', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 0), order('2', 1), payment('2', 15));
    assert.deepEqual(unpaid(shop), { '1': 300 });
  });

  test('one that is paid in time never comes, whichever was told first', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 0), payment('1', 14), payment('2', 2), order('2', 1), order('3', 60), payment('3', 60));
    await shop.pipe(order('4', 80));
    assert.deepEqual(unpaid(shop), {});
    const changes = shop.driver.output('test-unpaid-orders-changelog');
    assert.deepEqual(changes, []);
  });

  test('parts count together, before and after', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 0), payment('1', 1, 100), order('2', 20));
    assert.deepEqual(unpaid(shop), { '1': 200 });
    await shop.pipe(payment('1', 21, 50));
    assert.deepEqual(unpaid(shop), { '1': 150 });
    await shop.pipe(payment('1', 22, 150));
    assert.deepEqual(unpaid(shop), {});
  });

  test('what is paid too much does not hide that an order is paid', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 0), order('2', 20));
    assert.deepEqual(unpaid(shop), { '1': 300 });
    // One commit: the table hands on what it says in the end.
    await shop.pipe(payment('1', 21), payment('1', 22));
    assert.deepEqual(unpaid(shop), {});
  });

  test('an order that is told late is unpaid at once, and one that costs nothing never', async () => {
    const shop = newShop();
    await shop.pipe(order('1', 60), order('2', 10), order('3', 10, 'ann', { sku: 'leaflet', quantity: 1, cents: 0 }));
    assert.deepEqual(unpaid(shop), { '2': 300 });
  });

  test('a payment without an order is kept for it, and is no unpaid order', async () => {
    const shop = newShop();
    await shop.pipe(payment('lost', 0, 100), order('1', 30));
    assert.deepEqual(unpaid(shop), {});
    await shop.pipe(order('lost', 10));
    assert.deepEqual(unpaid(shop), { lost: 200 });
  });
});

test('what fits no schema is put aside and changes nothing', async () => {
  const shop = newShop();
  await shop.driver.pipe('orders', { key: '1', value: '{"orderId":"1"}' }, { key: '2', value: 'no JSON' });
  await shop.driver.pipe('payments', { key: '1', value: '{"cents":-1}' });
  await shop.driver.pipe('customers', { key: 'ann', value: '[]' });
  assert.equal(shop.driver.output('shop-dead-letters').length, 4);
  assert.deepEqual(shop.numbers(), { customerTotals: {}, skuTotals: {}, countryHours: {}, unpaidOrders: {} });
});

describe('a life of a thousand events is counted as an independent recount counts it', () => {
  for (const [seed, partitions] of [
    [1, 1],
    [2, 3],
    [3, 4],
  ] as const)
    test(`seed ${String(seed)}, ${String(partitions)} partitions`, async () => {
      const shop = new DrivenShop(partitions);
      const life = simulate({ seed, startMs: START_MS, orderEveryMs: 20_000 });
      const events = Array.from({ length: 1_000 }, () => life.next().value.event);
      const endMs = events.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), 0) + 15 * MINUTE_MS;
      // Enough of them to move the time of every partition, by order and by customer.
      for (let n = 0; n < 50; n += 1)
        events.push(
          orderPlaced({
            orderId: `last-${n}`,
            customerId: `last-${n}`,
            lines: [],
            placedAt: new Date(endMs).toISOString(),
          }),
        );
      await shop.pipe(...events);
      assert.deepEqual(shop.numbers(), recount(events, endMs));
    });
});
