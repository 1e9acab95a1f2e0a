/** What a strict TypeScript project writes against the packages: compiled with skipLibCheck off, and not run. */
import {
  createGlobalTable,
  DeadLetter,
  jsonSerde,
  KafkaStreams,
  stringSerde,
  StreamsBuilder,
  StreamsError,
  tumbling,
  type Aggregate,
  type Decoder,
  type Logger,
  type Topology,
} from '@tributary/streams';
import { FieldKind, flatJsonScanner } from '@tributary/streams/json';
import { changelogTopic, KafkaCluster } from '@tributary/streams/operations';
import { avroSerde, schemaRegistry } from '@tributary/streams/schema-registry';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { startApiServer } from '@tributary/graphql';

interface Order {
  readonly customer: string;
  readonly cents: number;
}

const scan = flatJsonScanner(['customer', 'cents']);
export const kinds: number[] = [FieldKind.STRING, FieldKind.NUMBER];
export const scanner: typeof scan = scan;

const decode: Decoder<Order> = ({ value }) =>
  value === null ? new DeadLetter('EMPTY', 'no order') : (JSON.parse(String(value)) as Order);

const revenue: Aggregate<Order, number> = {
  empty: () => 0,
  add: (sum, { cents }) => sum + cents,
  merge: (a, b) => a + b,
  serde: jsonSerde<number>(),
};

export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream('orders', { decode })
    .filter(({ cents }) => cents > 0)
    .groupBy(({ customer }) => customer, { name: 'by-customer' })
    .windowedBy(tumbling({ sizeMs: 60_000, retentionMs: 3_600_000 }))
    .aggregate(revenue, { store: 'revenue' });
  return builder.build();
}

export const orders = (): ReturnType<typeof avroSerde<Order>> =>
  avroSerde<Order>(schemaRegistry({ url: 'http://localhost:8081' }), { topic: 'orders', useLatestVersion: true });

const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields, text) => console.error(text, fields),
};
const connection = { brokers: ['localhost:9092'], clientId: 'orders' };

export async function run(): Promise<void> {
  const streams = new KafkaStreams({
    topologyModule: new URL('./topology.js', import.meta.url),
    connection,
    config: { applicationId: 'orders', stateDir: 'state' },
    logger,
  });
  try {
    await streams.start();
  } catch (error) {
    if (error instanceof StreamsError) console.error(error.code, error.reaction, error.settings);
    throw error;
  }
}

export const table = createGlobalTable(
  connection,
  {
    topics: [changelogTopic('orders', 'revenue')],
    onChanges: (changes) => console.log(changes.map(({ key, value }) => [stringSerde.deserialize(key), value?.length])),
    onReset: (topic, partition) => console.log(topic, partition),
    onState: ({ complete, reason }) => console.log(complete, reason),
    onFatal: ({ code }) => console.error(code),
  },
  logger,
);
export const cluster = new KafkaCluster(connection, logger);
export const driver = new TopologyTestDriver(buildTopology());
export const serve: typeof startApiServer = startApiServer;
