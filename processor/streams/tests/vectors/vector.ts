import { stringSerde, type StreamsBuilder, type Windowed } from '../../index.ts';

/**
 * A fact about Kafka Streams, as data: a topology, what goes in, and what has to come out. The facts are those of the
 * test suites of Kafka Streams and ksqlDB; each was run on Kafka Streams 4.4.0, whose answers are the ones expected
 * here, but for the deliberate differences (docs/streams.md).
 */
export interface Vector {
  readonly name: string;
  /** The test that states it. */
  readonly source: string;
  /** What Kafka Streams does otherwise, and why not here: a deliberate difference. */
  readonly differs?: string;
  readonly build: Build;
  /** Rows of one commit come in any order: those of a table. Default: what comes out is in order. */
  readonly rows?: boolean;
  /** Partitions of topics; 1 for those not named. */
  readonly partitions?: Readonly<Record<string, number>>;
  readonly steps: readonly Step[];
  /** What is in stores at the end: `key=value key[start,end]=value …`, by the bytes of keys, then by window start. */
  readonly stores?: Readonly<Record<string, string>>;
}

export type Build = (builder: StreamsBuilder) => void;

/**
 * What goes in and what comes out of it, written `topic key=value@time key=value@time …`: each step is one commit.
 * `~` is null, `#name:value` behind the time is a header. `wall +10` moves the wall clock, which starts at 0, by 10 ms.
 * Several texts of one topic are one. Topics that no output of the vector names are not looked at.
 */
export type Step = readonly [input: string, ...outputs: string[]];

/** A test of apache/kafka, as `Class › test` without the `Test` of its name; it is in the one file of that name. */
export const kafka = (test: string): string => `apache/kafka ${test.replace(' › ', 'Test.java › ')}`;

/** A test of confluentinc/ksql, as `file › name`, under ksqldb-functional-tests/…/query-validation-tests. */
export const ksql = (test: string): string => `confluentinc/ksql query-validation-tests/${test}`;

/** No test of theirs: what Kafka Streams 4.4.0 answered. */
export const ran = 'run on Kafka Streams 4.4.0';

/** Vectors of tables: their rows of one commit come in any order. */
export const ofTables = (vectors: readonly Vector[]): readonly Vector[] =>
  vectors.map((vector) => ({ rows: true, ...vector }));

export const DAY_MS = 86_400_000;

/** Text in a topic. */
export const TEXT = { value: stringSerde } as const;

/** Text in a topic, whose nulls reach the topology. */
export const TEXT_OR_NULL = { value: stringSerde, nulls: 'keep' } as const;

export type Text = string | null;

export const plus = (left: Text, right: Text): string => `${String(left)}+${String(right)}`;

export const dash = (left: Text, right: Text): string => `${String(left)}-${String(right)}`;

export const pair = (left: Text, right: Text): string => `(${String(left)},${String(right)})`;

/** `0+a+b`: values in the order in which they were added. */
export const appended = (empty = '0') => ({
  empty: () => empty,
  add: (sum: string, value: string) => `${sum}+${value}`,
  serde: stringSerde,
});

/** `key[start,end]`, so that a topic can be read without knowing its windows. */
export const windowText = (_value: unknown, { key, startMs, endMs }: Windowed<string>): string =>
  `${key}[${String(startMs)},${String(endMs)}]`;

/** A number of a table as text. */
export const numberText = (value: number | null): Text => (value === null ? null : String(value));
