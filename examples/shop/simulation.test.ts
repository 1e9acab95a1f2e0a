import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShopEvent } from './events.ts';
import { Customer, Order, Payment } from './model.ts';
import { simulate, type ToldEvent } from './simulation.ts';

const START_MS = Date.UTC(2026, 0, 1);
const SCHEMAS = { orders: Order, payments: Payment, customers: Customer.nullable() };

function take(count: number, seed = 1): ToldEvent[] {
  const life = simulate({ seed, startMs: START_MS, orderEveryMs: 5_000 });
  return Array.from({ length: count }, () => life.next().value);
}

test('the same seed gives the same life, another one another', () => {
  assert.deepEqual(take(500), take(500));
  assert.notDeepEqual(take(500), take(500, 2));
});

test('what it says fits the schemas, and is told in order of the time at which it is told', () => {
  const life = take(5_000);
  for (const { event } of life) assert.deepEqual(SCHEMAS[event.topic].parse(event.value), event.value);
  assert.deepEqual(
    life.map(({ toldAtMs }) => toldAtMs),
    life.map(({ toldAtMs }) => toldAtMs).sort((a, b) => a - b),
  );
});

test('it has what makes counting hard', () => {
  const life = take(20_000).map(({ event }) => event);
  const placed = new Map<string, number>();
  const of = { outOfOrder: 0, paymentFirst: 0, late: 0, moved: 0, gone: 0 };
  const seen = new Set<string>();
  let newestMs = 0;
  for (const { topic, key, value, timestampMs } of life) {
    if (topic === 'orders') placed.set(key, timestampMs);
    if (topic === 'payments' && !placed.has(key)) of.paymentFirst += 1;
    if (topic === 'payments' && timestampMs - (placed.get(key) ?? timestampMs) > 15 * 60_000) of.late += 1;
    if (topic === 'customers' && value === null) of.gone += 1;
    if (topic === 'customers' && value !== null && seen.has(key)) of.moved += 1;
    if (topic === 'customers') seen.add(key);
    if (timestampMs < newestMs) of.outOfOrder += 1;
    newestMs = Math.max(newestMs, timestampMs);
  }
  for (const [what, count] of Object.entries(of)) assert.ok(count > 10, `${what}: ${String(count)}`);
  const payers = new Set(life.filter(isPayment).map(({ key }) => key));
  assert.ok([...placed.keys()].some((orderId) => !payers.has(orderId)));
});

function isPayment(event: ShopEvent): boolean {
  return event.topic === 'payments';
}
