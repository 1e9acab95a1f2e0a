/** Kafka Streams' own demos, moved: the same records out of the same records, byte for byte, as the Java demos gave. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Topology } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { buildTopology as pageViewTypedDemo } from './page-view-typed-demo.ts';
import { buildTopology as streamJoinDemo } from './stream-join-demo.ts';
import { buildTopology as temperatureDemo } from './temperature-demo.ts';
import { buildTopology as wordCountDemo } from './word-count-demo.ts';
import { buildTopology as wordCountProcessorDemo } from './word-count-processor-demo.ts';

/** Text, or bytes as 0x and hex digits. */
interface VectorRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

/** What `make-vectors.ts` has written: each step is one record, and what Kafka Streams 4.4.0 made of it. */
interface Vectors {
  readonly demo: string;
  readonly ranOn: string;
  readonly steps: readonly (VectorRecord & { readonly out: readonly VectorRecord[] })[];
}

/** The topics that each writes to. Tables hand on the newest row of a key once a commit, which is here once a step. */
const DEMOS: readonly (readonly [name: string, build: () => Topology, outputs: string[], isOfTable: boolean])[] = [
  ['word-count-demo', wordCountDemo, ['streams-wordcount-output'], true],
  ['word-count-processor-demo', wordCountProcessorDemo, ['streams-wordcount-processor-output'], false],
  ['page-view-typed-demo', pageViewTypedDemo, ['streams-pageviewstats-typed-output'], true],
  ['temperature-demo', temperatureDemo, ['iot-temperature-max'], true],
  ['stream-join-demo', streamJoinDemo, ['joined', 'left-joined', 'outer-joined'], false],
];

const bytes = (text: string | null): Buffer | null =>
  text === null ? null : text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text);

/** `topic key value time`, keys and values in hex digits. */
const line = (topic: string, key: Buffer | null, value: Buffer | null, timestampMs: number): string =>
  [topic, key?.toString('hex') ?? '~', value?.toString('hex') ?? '~', timestampMs].join(' ');

/** Of several rows of a key in one step the newest. */
function newest(records: readonly VectorRecord[]): VectorRecord[] {
  return [...new Map(records.map((record) => [`${record.topic} ${String(record.key)}`, record])).values()];
}

describe.each(DEMOS)('%s', (name, build, outputs, isOfTable) => {
  const { steps, ranOn } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'vectors', `${name}.json`), 'utf8'),
  ) as Vectors;

  test(`what came out on ${ranOn} comes out`, async () => {
    const driver = new TopologyTestDriver(build());
    const played: string[][] = [];
    for (const { topic, key, value, timestampMs } of steps) {
      await driver.pipe(topic, { key: bytes(key), value: bytes(value), timestampMs });
      played.push(
        outputs.flatMap((output) =>
          driver.output(output).map((record) => line(output, record.key, record.value, record.timestampMs)),
        ),
      );
    }
    const expected = steps.map(({ out }) =>
      (isOfTable ? newest(out) : out).map(({ topic, key, value, timestampMs }) =>
        line(topic, bytes(key), bytes(value), timestampMs),
      ),
    );
    const inOrder = (lines: string[]): string[] => (isOfTable ? lines.toSorted() : lines);
    expect(played.map(inOrder)).toEqual(expected.map(inOrder));
    expect(expected.flat().length).toBeGreaterThan(5);
  });
});
