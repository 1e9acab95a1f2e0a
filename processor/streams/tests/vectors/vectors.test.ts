import { describe, expect, test } from '@jest/globals';
import { StreamsBuilder } from '../../index.ts';
import { TopologyTestDriver, type StoreRow, type TestRecord, type WrittenRecord } from '../../testing.ts';
import { AGGREGATES } from './aggregates.ts';
import { FINAL_RESULTS } from './final-results.ts';
import { FOREIGN_KEY_JOINS } from './foreign-key-joins.ts';
import { PROCESSORS } from './processors.ts';
import { SERDE_BYTES } from './serde-bytes.ts';
import { SESSIONS } from './sessions.ts';
import { SLIDING_WINDOWS } from './sliding-windows.ts';
import { STORES } from './stores.ts';
import { STREAM_STREAM_JOINS } from './stream-stream-joins.ts';
import { STREAM_TABLE_JOINS } from './stream-table-joins.ts';
import { STREAMS } from './streams.ts';
import { TABLE_TABLE_JOINS } from './table-table-joins.ts';
import { TABLES } from './tables.ts';
import type { Step, Vector } from './vector.ts';
import { VERSIONED_TABLES } from './versioned-tables.ts';
import { WINDOWS } from './windows.ts';

const KINDS: Readonly<Record<string, readonly Vector[]>> = {
  streams: STREAMS,
  tables: TABLES,
  aggregates: AGGREGATES,
  windows: WINDOWS,
  'sliding windows': SLIDING_WINDOWS,
  sessions: SESSIONS,
  'final results': FINAL_RESULTS,
  'stream-stream joins': STREAM_STREAM_JOINS,
  'stream-table joins': STREAM_TABLE_JOINS,
  'table-table joins': TABLE_TABLE_JOINS,
  'foreign-key joins': FOREIGN_KEY_JOINS,
  'versioned tables': VERSIONED_TABLES,
  processors: PROCESSORS,
  stores: STORES,
};

describe.each(Object.entries(KINDS))('%s', (_kind, vectors) => {
  test.each(vectors.map((vector) => [`${vector.name} (${vector.source})`, vector] as const))(
    '%s',
    async (_, vector) => {
      const { played, stores } = await play(vector);
      expect(played).toEqual(vector.steps.map((step) => expected(step, vector)));
      expect(stores).toEqual(vector.stores ?? {});
    },
  );
});

describe('bytes of serdes', () => {
  test.each(SERDE_BYTES)('$serializer: $value', ({ serde, value, hex }) => {
    expect(serde.serialize(value).toString('hex')).toBe(hex);
    expect(serde.deserialize(Buffer.from(hex, 'hex'))).toEqual(value);
  });
});

/** The steps of a vector with what came out. */
async function play({ build, steps, partitions = {}, rows = false, stores = {} }: Vector) {
  const builder = new StreamsBuilder();
  build(builder);
  const driver = new TopologyTestDriver(builder.build(), { partitions, nowMs: () => 0 });
  const named = new Set(steps.flatMap(([, ...outputs]) => outputs.map(topicOf)));
  const topics = named.size === 0 ? ['out'] : [...named];
  const played: string[][] = [];
  for (const [input] of steps) {
    const [topic = '', ...records] = input.split(' ');
    if (topic === 'wall') await driver.advanceWallClock(Number(records[0]));
    else await driver.pipe(topic, ...records.map(parse));
    const outputs = topics.map((name) => [name, ...inOrder(driver.output(name).map(textOf), rows)]);
    played.push([
      input,
      ...outputs
        .filter(({ length }) => length > 1)
        .map((words) => words.join(' '))
        .sort(),
    ]);
  }
  const found = Object.keys(stores).map((store) => [store, driver.rows(store).map(rowText).join(' ')]);
  return { played, stores: Object.fromEntries(found) as Record<string, string> };
}

function expected([input, ...outputs]: Step, { rows = false }: Vector): string[] {
  const byTopic = Map.groupBy(outputs, topicOf);
  const records = [...byTopic].map(
    ([topic, texts]) =>
      [
        topic,
        inOrder(
          texts.flatMap((text) => text.split(' ').slice(1)),
          rows,
        ),
      ] as const,
  );
  return [input, ...records.map(([topic, texts]) => [topic, ...texts].join(' ')).sort()];
}

const inOrder = (records: readonly string[], rows: boolean): readonly string[] =>
  rows ? [...records].sort() : records;

const topicOf = (output: string): string => output.split(' ', 1)[0] ?? '';

function parse(text: string): TestRecord {
  const [, key, value, time, headers = ''] = /^([^=]*)=(.*)@(-?\d+)((?:#[^#]+)*)$/u.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new Error(`not a record of a vector: ${text}`);
  const pairs = headers
    .split('#')
    .slice(1)
    .map((header) => header.split(':'));
  return {
    key: key === '~' ? null : key,
    value: value === '~' ? null : value,
    timestampMs: Number(time),
    headers: Object.fromEntries(pairs.map(([name = '', content = '']) => [name, Buffer.from(content)])),
  };
}

function textOf({ key, value, timestampMs, headers }: WrittenRecord): string {
  const added = Object.entries(headers).map(([name, content]) => `#${name}:${String(content)}`);
  return `${key?.toString() ?? '~'}=${value?.toString() ?? '~'}@${String(timestampMs)}${added.join('')}`;
}

function rowText({ key, startMs, endMs, value }: StoreRow<unknown>): string {
  const window = startMs === undefined ? '' : `[${String(startMs)},${String(endMs)}]`;
  return `${key}${window}=${String(value)}`;
}
