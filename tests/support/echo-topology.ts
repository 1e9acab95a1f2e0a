import {
  jsonSerde,
  StreamsBuilder,
  tumbling,
  type CombinableAggregate,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type Serde,
  type Topology,
} from '@tributary/streams';

/*
 * The application of the guarantee tests. Every kind of output is there: a record-by-record echo, a running aggregate
 * out of a custom processor's own store, and aggregates behind a repartition, with and without windows.
 */

export interface EchoTopologyOptions {
  readonly input: string;
  /** The topology throws at a record whose value is this. */
  readonly throwAt?: string;
  /** Another application under the same id: what a release must not change. */
  readonly changed?: 'window' | 'store' | 'serde';
  /** A later release of the same application: what it may change. */
  readonly refactored?: boolean;
}

/** What a record holds: its partition and its place in it make it unique, its number is what is aggregated. */
export interface EchoRecord {
  readonly text: string;
  readonly number: number;
}

export interface Running {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

export const NOTHING_YET: Running = { count: 0, sum: 0, min: Infinity, max: -Infinity };
export const RUNNING = 'running';
export const BUCKETS = 'buckets';
export const BUCKET_WINDOWS = 'bucket-windows';
export const BY_BUCKET = 'by-bucket';
export const WINDOW_MS = 60_000;
export const BUCKET_COUNT = 7;

export const echoTopic = (input: string): string => `${input}-echo`;
export const runningTopic = (input: string): string => `${input}-running`;
export const bucketsTopic = (input: string): string => `${input}-buckets`;
export const bucketOf = (number: number): string => `bucket-${String(number % BUCKET_COUNT)}`;
/** Event time of a record, so that there are windows: it follows from its number alone. */
export const eventTimeOf = (number: number): number => 1_700_000_000_000 + (number % 10) * WINDOW_MS;

export const add = (running: Running, number: number): Running => ({
  count: running.count + 1,
  sum: running.sum + number,
  min: Math.min(running.min, number),
  max: Math.max(running.max, number),
});

/** `<partition>/<index>/<number>` */
export function parseEchoRecord(text: string): EchoRecord {
  return { text, number: Number(text.slice(text.lastIndexOf('/') + 1)) };
}

/** Infinity is no JSON, so nothing-yet is never stored. */
const running: CombinableAggregate<EchoRecord, Running> = {
  empty: () => NOTHING_YET,
  add: (acc, { number }) => add(acc, number),
  merge: (a, b) => ({
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  }),
  serde: jsonSerde<Running>(),
};

const text: Serde<EchoRecord> = {
  serialize: (record) => Buffer.from(record.text),
  deserialize: (bytes) => parseEchoRecord(bytes.toString()),
};

/** One output for each input: what the key's aggregate is after it. */
class RunningAggregate implements Processor<string | null, EchoRecord, string | null, Running> {
  #context: ProcessorContext<string | null, Running> | undefined;
  #rows: KeyValueStore<string, Running> | undefined;

  init(context: ProcessorContext<string | null, Running>): void {
    this.#context = context;
    this.#rows = context.keyValueStore<Running>(RUNNING);
  }

  process(record: EchoRecord, key: string | null): void {
    const rows = this.#rows as KeyValueStore<string, Running>;
    const next = add(rows.get(key as string) ?? NOTHING_YET, record.number);
    rows.put(key as string, next);
    this.#context?.forward(key, next);
  }
}

export function buildTopology({ input, throwAt, changed, refactored = false }: EchoTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const records = builder.stream(input, {
    decode: ({ value }) => parseEchoRecord((value as Buffer).toString()),
    timestampMs: ({ number }) => eventTimeOf(number),
  });
  const checked = (refactored ? records.filter(() => true).mapValues((record) => record) : records).peek((record) => {
    if (record.text === throwAt) throw new Error(`the topology was told to throw at ${record.text}`);
  });
  checked.to(echoTopic(input), { value: text });
  checked
    .process(() => new RunningAggregate(), {
      stores: [{ name: RUNNING, kind: 'key-value', serde: jsonSerde<Running>() as Serde<never> }],
    })
    .to(runningTopic(input), { value: jsonSerde<Running>() });
  const byBucket = checked.groupBy(({ number }) => bucketOf(number), { name: BY_BUCKET });
  byBucket
    .aggregate(changed === 'serde' ? { ...running, serde: { ...running.serde, format: 'bits' } } : running, {
      store: BUCKETS,
    })
    .toStream()
    .to(bucketsTopic(input));
  const sizeMs = changed === 'window' ? 2 * WINDOW_MS : WINDOW_MS;
  byBucket
    .windowedBy(tumbling({ sizeMs, retentionMs: (refactored ? 25 : 24) * 3_600_000 }))
    .aggregate(running, { store: changed === 'store' ? 'renamed-windows' : BUCKET_WINDOWS });
  return builder.build();
}
