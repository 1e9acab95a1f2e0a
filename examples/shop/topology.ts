import { StreamsBuilder, tumbling, versionedStore, zodSerde, type Topology } from '@tributary/streams';
import { centsOf, Customer, Order, Payment } from './model.ts';
import { CUSTOMER_GRACE_MS, DEAD_LETTERS, HOUR_MS, KEPT_MS, UNKNOWN_COUNTRY } from './names.ts';
import { byOrders, byPayments } from './open-orders.ts';
import { linesBySku, skuTotals, totals } from './totals.ts';
import { dueStore, unpaidStore, watchUnpaidOrders } from './unpaid-orders.ts';

/** Orders, payments and customers to four tables of numbers. Each stream thread calls this. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', {
    value: zodSerde(Order),
    timestampMs: ({ placedAt }) => Date.parse(placedAt),
    deadLetterTopic: DEAD_LETTERS,
  });
  const payments = builder.stream('payments', {
    value: zodSerde(Payment),
    timestampMs: ({ paidAt }) => Date.parse(paidAt),
    deadLetterTopic: DEAD_LETTERS,
  });
  // Versions: an order asks where its customer lived when it was placed, however late it is read.
  const customers = builder.table('customers', {
    store: versionedStore('customers', { value: zodSerde(Customer), historyMs: KEPT_MS }),
    deadLetterTopic: DEAD_LETTERS,
  });

  // Top articles.
  orders
    .flatMapValues(linesBySku)
    .groupBy(({ sku }) => sku, { name: 'by-sku' })
    .aggregate(skuTotals, { store: 'sku-totals' });

  // Lifetime totals. Orders go to the owner of their customer once, and are used twice there.
  const ordersByCustomer = orders.selectKey(({ customerId }) => customerId).repartition({ name: 'orders-by-customer' });
  ordersByCustomer
    .mapValues((order) => ({ cents: centsOf(order) }))
    .groupByKey()
    .aggregate(totals, { store: 'customer-totals' });

  // Revenue per country and hour.
  ordersByCustomer
    .leftJoin(
      customers,
      (order, customer) => ({ country: customer?.country ?? UNKNOWN_COUNTRY, cents: centsOf(order) }),
      { name: 'orders-with-customers', graceMs: CUSTOMER_GRACE_MS },
    )
    .groupBy(({ country }) => country, { name: 'by-country' })
    .windowedBy(tumbling({ sizeMs: HOUR_MS, retentionMs: KEPT_MS }))
    .aggregate(totals, { store: 'country-hours' });

  // Orders that stay unpaid. What an order and its payments say is added up in one row, whichever comes first.
  orders
    .groupByKey()
    .cogroup(byOrders)
    .cogroup(payments.groupByKey(), byPayments)
    .aggregate({ store: 'open-orders' })
    .toStream()
    .process(watchUnpaidOrders, { stores: ['open-orders', unpaidStore, dueStore] });

  return builder.build();
}
