/** What the types of the runtime must infer without type arguments, and what they must refuse: compiled, never run. */
import {
  countAggregate,
  jsonSerde,
  type KafkaStreams,
  StreamsBuilder,
  StreamsError,
  stringSerde,
  tumbling,
  type Aggregate,
  type ErrorCode,
  type KeyValueStoreView,
  type KStream,
  type KTable,
  type StreamsState,
  type Windowed,
  type WindowStoreView,
} from '@tributary/streams';
import type { TopologyTestDriver } from '@tributary/streams/testing';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where the value has exactly the type. */
type Exactly<T> = <A>(value: A, same: Same<A, T>) => void;
declare const exactly: {
  readonly numbers: Exactly<KStream<string | null, number>>;
  readonly numbersOrNull: Exactly<KStream<string | null, number | null>>;
  readonly counts: Exactly<KTable<string, number>>;
  readonly windowed: Exactly<KTable<Windowed<string>, number>>;
  readonly updates: Exactly<KStream<string, number | null>>;
  readonly state: Exactly<StreamsState>;
  readonly texts: Exactly<KStream<string | null, string>>;
  readonly rows: Exactly<KeyValueStoreView<string, number>>;
  readonly windowRows: Exactly<WindowStoreView<number, Order>>;
};

interface Order {
  readonly customer: string;
  readonly cents: number;
}
type Event = { readonly kind: 'order'; readonly cents: number } | { readonly kind: 'visit' };
declare const decodeOrder: () => Order;
declare const decodeEvent: () => Event;

export function inferred(): void {
  const orders = new StreamsBuilder().stream('orders', { decode: decodeOrder });
  exactly.numbers(
    orders.mapValues(({ cents }) => cents),
    true,
  );
  exactly.texts(
    orders.flatMapValues(({ customer }) => [customer]),
    true,
  );
  // What a function answers as undefined is null.
  exactly.numbersOrNull(
    orders.mapValues(({ cents }) => (cents > 0 ? cents : undefined)),
    true,
  );
  const counts = orders.groupBy(({ customer }) => customer, { name: 'by-customer' }).count({ store: 'counts' });
  exactly.counts(counts, true);
  exactly.updates(counts.toStream(), true);
  const windows = orders
    .groupBy(({ customer }) => customer, { name: 'by-customer' })
    .windowedBy(tumbling({ sizeMs: 1_000, retentionMs: 1_000 }));
  exactly.windowed(windows.count({ store: 'windows' }), true);
  exactly.numbers(
    new StreamsBuilder()
      .stream('events', { decode: decodeEvent })
      .filterType((event) => event.kind === 'order')
      .mapValues(({ cents }) => cents),
    true,
  );
}

export function asked(): void {
  exactly.rows(streams.store<number>('counts', { staleStores: true }), true);
  exactly.windowRows(streams.store<Order, number>('windows', { kind: 'window' }), true);
  void streams.store('sessions', { kind: 'session' }).find('key', 0, 1);
  void streams.store('versions', { kind: 'versioned' }).get('key', 5);
  // @ts-expect-error a store has no such kind
  streams.store('counts', { kind: 'list' });
  // @ts-expect-error rows are read, not written
  void streams.store('counts').put;
}

declare const sum: Aggregate<Order, number>;
declare const streams: KafkaStreams;
declare const driver: TopologyTestDriver;

export function refused(): void {
  const orders = new StreamsBuilder().stream('orders', { decode: decodeOrder });
  // @ts-expect-error a value has no such field
  orders.filter(({ dollars }) => dollars > 0);
  // @ts-expect-error the selector of a key returns text
  orders.groupBy(({ cents }) => cents, { name: 'by-cents' });
  // @ts-expect-error a grouping has a name
  orders.groupBy(({ customer }) => customer);
  // @ts-expect-error the serde is of another type
  orders.to('out', { value: stringSerde });
  const texts = orders.mapValues(({ customer }) => customer).groupByKey({ name: 'texts' });
  // @ts-expect-error an aggregate of orders does not add texts
  texts.aggregate(sum, { store: 'sum' });
  // @ts-expect-error a table keeps its rows in a store that has a name
  orders.groupByKey({ name: 'all' }).reduce((a) => a, {});
  // Refused when it is built: the changelog is named after the store.
  orders.groupByKey({ name: 'all' }).count({});
  // @ts-expect-error nobody knows this option
  new StreamsBuilder().stream('orders', { decode: decodeOrder, timestamp: () => 0 });
  // @ts-expect-error a window has a retention
  tumbling({ sizeMs: 1_000 });
  // @ts-expect-error a code that is not in the table
  new StreamsError('NO_SUCH_CODE', 'a message');
  exactly.state(streams.state, true);
  // @ts-expect-error a state is read, not set
  streams.state = 'RUNNING';
  // @ts-expect-error a record is an object
  void driver.pipe('orders', 1);
  const code: ErrorCode = new StreamsError('BROKER_AWAY', 'a message').code;
  void code;
  // @ts-expect-error exactly() itself refuses what is another type
  exactly.numbers(orders, true);
  void countAggregate;
  void jsonSerde<Order>();
}
