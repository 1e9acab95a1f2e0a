import { zodSerde, type CombinableAggregate } from '@tributary/streams';
import { SkuTotals, Totals, type Order, type OrderLine } from './model.ts';

/** Adds up what orders cost. It is combined in the task that reads them, before anything is sent on. */
export const totals: CombinableAggregate<{ readonly cents: number }, Totals> = {
  empty: () => ({ orders: 0, cents: 0 }),
  add: (sum, { cents }) => ({ orders: sum.orders + 1, cents: sum.cents + cents }),
  merge: (a, b) => ({ orders: a.orders + b.orders, cents: a.cents + b.cents }),
  serde: zodSerde(Totals),
};

/** The same of an article. */
export const skuTotals: CombinableAggregate<OrderLine, SkuTotals> = {
  empty: () => ({ orders: 0, cents: 0, quantity: 0 }),
  add: (sum, { cents, quantity }) => ({
    orders: sum.orders + 1,
    cents: sum.cents + cents,
    quantity: sum.quantity + quantity,
  }),
  merge: (a, b) => ({ orders: a.orders + b.orders, cents: a.cents + b.cents, quantity: a.quantity + b.quantity }),
  serde: zodSerde(SkuTotals),
};

/** An order's lines, one for each article: an article that stands in two lines was still ordered once. */
export function linesBySku({ lines }: Order): OrderLine[] {
  const bySku = new Map<string, OrderLine>();
  for (const line of lines) {
    const { quantity = 0, cents = 0 } = bySku.get(line.sku) ?? {};
    bySku.set(line.sku, { sku: line.sku, quantity: quantity + line.quantity, cents: cents + line.cents });
  }
  return [...bySku.values()];
}
