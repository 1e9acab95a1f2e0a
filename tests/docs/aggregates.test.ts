import { expect, test } from '@jest/globals';
import { int32Serde, jsonSerde, StreamsBuilder, stringSerde, type Aggregate } from '@tributary/streams';
import { TopologyTestDriver } from '@tributary/streams/testing';

/* The code of docs/streams/aggregates.md. */

test('an aggregate that depends on the order', async () => {
  interface Door {
    readonly isOpen: boolean;
    readonly sinceMs: number;
    readonly changes: number;
  }
  const builder = new StreamsBuilder();
  const doorState: Aggregate<string, Door> = {
    empty: () => ({ isOpen: false, sinceMs: 0, changes: 0 }),
    add: (door, event, { timestampMs }) => {
      // Null: there is no row, and the next event begins with empty().
      if (event === 'removed') return null;
      if (door.isOpen === (event === 'open')) return door;
      return { isOpen: !door.isOpen, sinceMs: timestampMs, changes: door.changes + 1 };
    },
    serde: jsonSerde<Door>(),
  };
  builder
    .stream('doors', { value: stringSerde })
    .groupBy((_event, sensor) => sensor?.split('/')[0], { name: 'by-door', value: stringSerde })
    .aggregate(doorState, { store: 'doors' });

  const driver = new TopologyTestDriver(builder.build(), { partitions: { doors: 2 } });
  const doors = driver.inputTopic('doors', { value: stringSerde });
  await doors.pipe(
    { key: 'front/1', value: 'open', timestampMs: 1_000 },
    { key: 'front/1', value: 'open', timestampMs: 2_000 },
    { key: 'back/1', value: 'open', timestampMs: 3_000 },
    { key: 'back/1', value: 'removed', timestampMs: 4_000 },
  );
  expect(driver.rows('doors')).toEqual([{ key: 'front', value: { isOpen: true, sinceMs: 1_000, changes: 1 } }]);
});

test('a reduce in order, and one that is combined', async () => {
  const builder = new StreamsBuilder();
  const scores = builder.stream('scores', { value: int32Serde }).groupByKey();
  scores.reduce((_before, now) => now, { store: 'last' });
  scores.reduce((a, b) => Math.max(a, b), { store: 'best', combine: true });
  scores.count({ store: 'games' });

  const driver = new TopologyTestDriver(builder.build());
  const input = driver.inputTopic('scores', { value: int32Serde });
  await input.pipe({ key: 'ann', value: 7 }, { key: 'ann', value: 9 }, { key: 'ann', value: 3 });
  expect(['last', 'best', 'games'].map((store) => driver.rows(store))).toEqual([
    [{ key: 'ann', value: 3 }],
    [{ key: 'ann', value: 9 }],
    [{ key: 'ann', value: 3 }],
  ]);
});
