import { jsonSerde, stringSerde, StreamsBuilder, versionedStore, type Topology } from '@tributary/streams';

export interface Order {
  readonly customer: string;
  readonly amount: number;
}

export interface TablesTopologyOptions {
  readonly orders: string;
  readonly customers: string;
  readonly notes: string;
}

export const TABLES_TOPICS = { orders: 'tables-orders', customers: 'tables-customers', notes: 'tables-notes' } as const;

/** The stores whose rows are looked at. */
export const REVENUE = 'revenue';
export const NOTED = 'noted';
export const ALL_CUSTOMERS = 'all-customers';

/**
 * What is ordered in each country, by the customers of the orders, who are in a topic of another partition count; and
 * each order with what is noted of it. Customers are read into a global table, too.
 */
export function buildTopology({ orders, customers, notes }: TablesTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const numbers = jsonSerde<number>();
  const ordered = builder.table(orders, { value: jsonSerde<Order>() });
  builder.globalTable(customers, { value: stringSerde, store: ALL_CUSTOMERS });
  ordered
    .join(builder.table(customers, { value: stringSerde }), ({ amount }, country) => ({ amount, country }), {
      foreignKey: ({ customer }) => customer,
      name: 'orders-customers',
      store: 'by-country',
      value: jsonSerde<{ amount: number; country: string }>(),
    })
    .groupBy(({ amount, country }) => ({ key: country, value: amount }), { name: 'country', value: numbers })
    .reduce({ add: (a, b) => a + b, subtract: (a, b) => a - b }, { store: REVENUE });
  ordered.leftJoin(
    builder.table(notes, { store: versionedStore('notes', { value: stringSerde, historyMs: 60_000 }) }),
    ({ amount }, note) => `${String(amount)} ${String(note)}`,
    { store: NOTED, value: stringSerde },
  );
  return builder.build();
}
