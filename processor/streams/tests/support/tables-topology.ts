import { jsonSerde, stringSerde, StreamsBuilder, versionedStore, type Topology } from '@tributary/streams';

export interface Order {
  readonly customer: string;
  readonly amount: number;
}

export interface TablesTopologyOptions {
  readonly orders: string;
  readonly customers: string;
  readonly notes: string;
  readonly visits: string;
}

export const TABLES_TOPICS = {
  orders: 'tables-orders',
  customers: 'tables-customers',
  notes: 'tables-notes',
  visits: 'tables-visits',
} as const;

/** The stores whose rows are looked at. */
export const REVENUE = 'revenue';
export const NOTED = 'noted';
export const ALL_CUSTOMERS = 'all-customers';
export const VISITS = 'visits';

/**
 * What is ordered in each country, by the customers of the orders, who are in a topic of another partition count; and
 * each order with what is noted of it. Customers are in a global table, too, which visits are joined with.
 */
export function buildTopology({ orders, customers, notes, visits }: TablesTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const numbers = jsonSerde<number>();
  const ordered = builder.table(orders, { value: jsonSerde<Order>() });
  const everywhere = builder.globalTable(customers, { value: stringSerde, store: ALL_CUSTOMERS });
  builder
    .stream(visits, { value: stringSerde })
    .join(everywhere, (customer, country) => `${customer} ${country}`, { key: (customer) => customer })
    .toTable({ store: VISITS, value: stringSerde });
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
