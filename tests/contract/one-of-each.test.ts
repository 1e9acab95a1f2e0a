import { expect, test } from '@jest/globals';
import type { ConsumerRecord } from '@tributary/streams';
import { TopologyTestDriver, type TestRecord } from '@tributary/streams/testing';
import { seed } from '../support/chaos.ts';
import { OneOfEachInput, PRODUCT_PARTITIONS, type Sending } from '../support/one-of-each-input.ts';
import { recountProblems, type TopicRecords } from '../support/one-of-each-oracle.ts';
import { buildTopology, topicsOf, WALL_TICK_MS } from '../support/one-of-each-topology.ts';
import { seededRandom } from '../../tools/producer/seeded-random.ts';

/*
 * The application that has one of each, without a broker: every result is what a recount of the input says, however the
 * records are cut into commits. tests/chaos/one-of-each.test.ts does the same under faults.
 */

const ROUNDS = 3;
const PARTITIONS = 3;

/** Records by partition, in the order in which they came. */
function inPartitions(count: number, records: readonly ConsumerRecord[]): TopicRecords {
  return {
    partitions: Array.from({ length: count }, (_, partition) => records.filter((one) => one.partition === partition)),
  };
}

test(`every result is the recount of the input (seed ${String(seed)})`, async () => {
  const topics = topicsOf('all');
  const random = seededRandom(seed);
  const input = new OneOfEachInput({ seed, topics, partitions: PARTITIONS, keys: 12, perRound: 120 });
  const driver = new TopologyTestDriver(buildTopology({ name: 'all' }), {
    partitions: Object.fromEntries(
      Object.values(topics).map((topic: string) => [
        topic,
        topic === topics.products ? PRODUCT_PARTITIONS : PARTITIONS,
      ]),
    ),
  });
  const sent = new Map<string, ConsumerRecord[]>();
  const pipe = async ({ topic, records }: Sending): Promise<void> => {
    const known = sent.get(topic) ?? [];
    sent.set(topic, known);
    for (let rest = records; rest.length > 0;) {
      // Each piece is a commit, or several.
      const size = 1 + random.below(100);
      const piece = rest.slice(0, size).map(({ headers, ...record }) => ({
        ...record,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])),
      }));
      rest = rest.slice(size);
      await driver.pipe(topic, ...(piece satisfies TestRecord[]));
      for (const { key, value, ...record } of piece)
        known.push({
          ...record,
          topic,
          offset: known.length,
          key: Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
        });
      if (random.chance(0.3)) await driver.advanceWallClock(random.below(3 * WALL_TICK_MS));
    }
  };
  await pipe(input.countries());
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const sending of input.tables()) await pipe(sending);
    for (const sending of input.streams()) await pipe(sending);
  }
  for (const sending of input.last()) await pipe(sending);

  const read = (topic: string): TopicRecords =>
    inPartitions(topic === topics.products ? PRODUCT_PARTITIONS : PARTITIONS, sent.get(topic) ?? []);
  const written = (topic: string): TopicRecords =>
    inPartitions(
      PARTITIONS,
      driver.output(topic).map((record, offset) => ({ ...record, topic, offset })),
    );
  const problems = recountProblems(
    {
      actions: read(topics.actions),
      visits: read(topics.visits),
      users: read(topics.users),
      profiles: read(topics.profiles),
      orders: read(topics.orders),
      products: read(topics.products),
      countries: read(topics.countries),
    },
    { echo: written(topics.echo), results: written(topics.results) },
  );
  expect({ seed, problems }).toEqual({ seed, problems: [] });
});
