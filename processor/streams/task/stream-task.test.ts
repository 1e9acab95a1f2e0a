import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { linksTo } from '../tests/support/event-time.ts';
import { batchBytes } from '../tests/support/record-batch-bytes.ts';
import { decodeRecordSet } from '../kafka/record-set.ts';
import type { FetchedPartition } from '../reading/fetched-partition.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { DeadLetter, type ConsumerRecord } from '../topology/record.ts';
import { StreamsBuilder } from '../topology/streams-builder.ts';
import { RecordWatch } from './record-watch.ts';
import { StreamTask } from './stream-task.ts';
import { TaskGraph } from './task-graph.ts';
import { lifeInMemory } from './task-life.ts';

/** A record of this time; text that is no number has none. */
function fetched(topic: string, from: number, values: readonly string[], end = from + values.length): FetchedPartition {
  const recordSet = batchBytes({
    baseOffset: BigInt(from),
    records: values.map((value, offsetDelta) => ({
      offsetDelta,
      timestampDelta: 0n,
      key: null,
      value: Buffer.from(value),
    })),
  });
  const { records, nextOffset } =
    values.length === 0
      ? { records: [], nextOffset: from }
      : decodeRecordSet(recordSet, {
          topic,
          partition: 0,
          fromOffset: from,
          abortedTransactions: [],
          readCommitted: true,
        });
  return {
    topic,
    partition: 0,
    records,
    nextOffset,
    highWatermark: end,
    lastStableOffset: end,
    logStartOffset: 0,
    outOfRange: false,
  };
}

let seen: string[];
let moves: string[];
let task: StreamTask;
beforeEach(() => {
  seen = [];
  moves = [];
  task = openTask();
});

function openTask(maxTaskIdleMs = 0, watch?: RecordWatch, look: () => void = () => undefined): StreamTask {
  const builder = new StreamsBuilder();
  const options = {
    decode: ({ value }: ConsumerRecord) => {
      look();
      if (String(value) === 'broken') throw new Error('the decoder is broken');
      return Number.isNaN(Number(value)) ? new DeadLetter('NO_NUMBER', 'no number') : Number(value);
    },
    timestampMs: (at: number) => at,
    deadLetterTopic: 'dead',
  };
  builder
    .stream('a', options)
    .merge(builder.stream('b', options))
    .peek((at) => {
      look();
      seen.push(String(at));
    });
  const [subTopology] = builder.build().subTopologies;
  const opened = new StreamTask(
    {
      id: '0_0',
      subTopology: subTopology as NonNullable<typeof subTopology>,
      inputs: [
        { topic: 'a', partition: 0 },
        { topic: 'b', partition: 0 },
      ],
      changelogs: [],
      keptOffsets: { topic: 'app-offsets', partition: 0, key: '0_0' },
      timeLinks: linksTo(),
    },
    lifeInMemory(openMemoryStore()),
    {
      exactlyOnce: true,
      queues: {
        maxTaskIdleMs,
        onFull: ({ topic }) => moves.push(`hold ${topic}`),
        onRoom: ({ topic }) => moves.push(`release ${topic}`),
      },
    },
  );
  opened.graph = new TaskGraph({
    taskId: '0_0',
    subTopology: opened.spec.subTopology,
    applicationId: 'app',
    store: undefined,
    collector: opened.collector,
    partitionsOf: () => 1,
    time: opened.time,
    nowMs: () => 0,
    requestCommit: () => undefined,
    ...(watch === undefined ? {} : { watch }),
  });
  opened.start(
    new Map([
      ['a-0', 0],
      ['b-0', 0],
    ]),
  );
  return opened;
}

const offsets = (): Record<string, number> => Object.fromEntries(task.offsets());

test('what waits is not processed, not committed, and part of the lag', () => {
  expect(task.accept(fetched('a', 0, ['1', '5', '9']))).toBe(0);
  expect(task.processWaiting(0, 100)).toEqual({ records: 0, ofUser: 0 });
  expect([task.needsCommit(0), offsets(), task.lag(), task.readyAtMs(0)]).toEqual([
    false,
    { 'a-0': 0, 'b-0': 0 },
    3,
    Infinity,
  ]);

  task.accept(fetched('b', 0, ['3'], 2));
  expect(task.readyAtMs(7)).toBe(7);
  expect(task.processWaiting(0, 100)).toEqual({ records: 2, ofUser: 2 });
  expect(seen).toEqual(['1', '3']);
  // The second record of b is still on its broker.
  expect([task.needsCommit(0), offsets(), task.lag()]).toEqual([true, { 'a-0': 1, 'b-0': 1 }, 5]);
  task.onCommitted(task.offsets());
  expect([task.needsCommit(0), task.lag()]).toEqual([false, 3]);

  task.accept(fetched('b', 1, ['7']));
  task.processWaiting(0, 2);
  expect([seen, offsets()]).toEqual([['1', '3', '5', '7'], { 'a-0': 2, 'b-0': 2 }]);
  task.processWaiting(0, 100);
  task.onCommitted(task.offsets());
  expect([seen, offsets(), task.lag()]).toEqual([['1', '3', '5', '7', '9'], { 'a-0': 3, 'b-0': 2 }, 0]);
});

test('a task that has committed keeps nothing of the answer that its last record came in', () => {
  task.accept(fetched('b', 0, []));
  task.accept(fetched('a', 0, ['1']));
  task.processWaiting(0, 100);
  expect(task.graph?.current).toMatchObject({ topic: 'a', offset: 0 });
  task.onCommitted(task.offsets());
  expect(task.graph?.current).toEqual({ topic: '', partition: -1, offset: -1, headers: {}, headerList: [] });
});

test('an empty input is waited for as long as it was said to be', () => {
  task = openTask(50);
  task.accept(fetched('b', 0, []));
  task.accept(fetched('a', 0, ['1']));
  expect(task.readyAtMs(10)).toBe(60);
  expect(task.processWaiting(59, 100).records).toBe(0);
  expect(task.processWaiting(60, 100).records).toBe(1);
});

test('after an abort nothing waits any more, and reading goes on from what is committed', () => {
  task.accept(fetched('b', 0, []));
  task.accept(fetched('a', 0, ['1', '2']));
  task.processWaiting(0, 1);
  task.abort();
  expect([task.readyAtMs(0), task.processWaiting(0, 100).records]).toEqual([Infinity, 0]);
  task.start(task.committedOffsets());
  expect(offsets()).toEqual({ 'a-0': 0, 'b-0': 0 });
  task.accept(fetched('b', 0, []));
  task.accept(fetched('a', 0, ['1', '2']));
  task.processWaiting(0, 100);
  expect([seen, offsets()]).toEqual([['1', '1', '2'], { 'a-0': 2, 'b-0': 0 }]);
});

test('a dead letter goes at once, and a decoder that throws is told with its record', () => {
  task.accept(fetched('a', 0, ['5', 'letter']));
  task.accept(fetched('b', 0, ['letter', '4', 'broken', '9']));
  expect(() => task.processWaiting(0, 100)).toThrow(
    'task 0_0 failed at KSTREAM-SOURCE-0000000001, b-0 offset 2: the decoder is broken',
  );
  expect([seen, task.collector.size]).toEqual([['4'], 1]);
});

test('which record user code works on is seen from outside, and none when it has returned', () => {
  const memory = RecordWatch.memory();
  const [worker, supervisor] = [new RecordWatch(['a', 'b'], memory), new RecordWatch(['a', 'b'], memory)];
  const places: string[] = [];
  task = openTask(0, worker, () => {
    const { topic, offset } = supervisor.current() ?? {};
    places.push(`${String(topic)} ${String(offset)}`);
  });
  task.accept(fetched('a', 3, ['5', '7']));
  expect(supervisor.current()).toBeUndefined();
  task.accept(fetched('b', 8, ['6']));
  task.processWaiting(0, 100);
  expect(supervisor.current()).toBeUndefined();
  // Each is decoded when it is the next of its input, and handed on when it is the next of all.
  expect(places.toSorted()).toEqual(['a 3', 'a 3', 'a 4', 'a 4', 'b 8', 'b 8']);

  places.length = 0;
  const [record] = fetched('a', 5, ['8']).records;
  task.graph?.processAll('a', [record as ConsumerRecord]);
  expect([places, supervisor.current()]).toEqual([['a 5', 'a 5'], undefined]);
});

test('of one topic that is read twice, both streams are given all that a record has', () => {
  const builder = new StreamsBuilder();
  const seenBy: unknown[][] = [[], []];
  for (const places of seenBy)
    builder.stream('a', {
      decode: ({ topic, partition, offset, key, value, headers, timestampMs }: ConsumerRecord) => {
        places.push([topic, partition, offset, key, String(value), Object.keys(headers).length, timestampMs]);
        return String(value);
      },
    });
  const graph = new TaskGraph({
    taskId: '0_0',
    subTopology: builder.build().subTopologies[0] as NonNullable<typeof task.spec.subTopology>,
    applicationId: 'app',
    store: undefined,
    collector: task.collector,
    partitionsOf: () => 1,
    time: task.time,
    nowMs: () => 0,
    requestCommit: () => undefined,
  });
  graph.processAll('a', fetched('a', 7, ['x']).records);
  expect(seenBy).toEqual(Array(2).fill([['a', 0, 7, null, 'x', 0, 0]]));
});

test('an input with much that waits is held, and released when half of it is gone', () => {
  task.accept(
    fetched(
      'a',
      0,
      Array.from({ length: 6_000 }, (_, at) => String(at)),
    ),
  );
  expect(moves).toEqual(['hold a']);
  task.accept(fetched('b', 0, []));
  task.processWaiting(0, 3_000);
  expect(moves).toEqual(['hold a']);
  task.processWaiting(0, 1_000);
  expect([seen.length, moves]).toEqual([4_000, ['hold a', 'release a']]);
});

test(
  'property: through any fetches, commits and aborts, what is committed is each record once, ' +
    'in the order of event times',
  () => {
    const times = fc.array(fc.nat(30), { maxLength: 25 }).map((list) => list.sort((a, b) => a - b));
    const step = fc.oneof(
      fc.record({
        act: fc.constant('fetch' as const),
        topic: fc.constantFrom('a', 'b'),
        count: fc.integer({ min: 0, max: 5 }),
      }),
      fc.record({ act: fc.constant('process' as const), limit: fc.integer({ min: 1, max: 6 }) }),
      fc.constant({ act: 'commit' as const }),
      fc.constant({ act: 'abort' as const }),
    );
    fc.assert(
      fc.property(times, times, fc.array(step, { maxLength: 60 }), (a, b, steps) => {
        seen = [];
        task = openTask();
        const logs: Record<string, number[]> = { a, b };
        const fetchedTo: Record<string, number> = { a: 0, b: 0 };
        let committed = 0;
        const fetch = (topic: string, count: number): void => {
          const log = logs[topic] as number[];
          const from = fetchedTo[topic] as number;
          const values = log.slice(from, from + count).map(String);
          fetchedTo[topic] = from + values.length;
          task.accept(fetched(topic, from, values, log.length));
        };
        const commit = (): void => {
          task.onCommitted(task.offsets());
          committed = seen.length;
        };
        for (const it of steps) {
          if (it.act === 'fetch') fetch(it.topic, it.count);
          else if (it.act === 'process') task.processWaiting(0, it.limit);
          else if (it.act === 'commit') commit();
          else {
            task.abort();
            seen.length = committed;
            const offsets = task.committedOffsets();
            task.start(offsets);
            for (const topic of ['a', 'b']) fetchedTo[topic] = offsets.get(`${topic}-0`) as number;
          }
          expect(task.lag()).toBeLessThanOrEqual(a.length + b.length);
        }
        for (const topic of ['a', 'b']) fetch(topic, 25);
        task.processWaiting(0, 100);
        commit();
        expect(seen).toEqual(
          [...a.map((at) => ({ at, rank: 0 })), ...b.map((at) => ({ at, rank: 1 }))]
            .sort((x, y) => x.at - y.at || x.rank - y.rank)
            .map(({ at }) => String(at)),
        );
        expect([task.lag(), offsets()]).toEqual([0, { 'a-0': a.length, 'b-0': b.length }]);
      }),
    );
  },
);

test('a task behind a shuffle is not caught up before those are whose partials it reads', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('a', { decode: String })
    .groupBy(String, { name: 'first' })
    .count({ store: 'one' })
    .toStream()
    .groupBy(() => 'all', { name: 'second' })
    .count({ store: 'two' });
  const subTopology = builder.build().subTopologies[1] as NonNullable<
    ReturnType<StreamsBuilder['build']>['subTopologies'][1]
  >;
  const behind = new StreamTask(
    {
      id: '1_0',
      subTopology,
      inputs: [{ topic: 'app-first-repartition', partition: 0 }],
      changelogs: [],
      keptOffsets: { topic: 'app-offsets', partition: 0, key: '1_0' },
      timeLinks: {
        sources: [{ grouping: 'first', taskId: '0_0', cyclic: false }],
        reportsTo: [{ topic: 'app-second-repartition', partition: 0 }],
        isAwaited: true,
      },
    },
    lifeInMemory(openMemoryStore()),
    { exactlyOnce: true },
  );
  const { collector } = behind;
  behind.graph = new TaskGraph({
    taskId: '1_0',
    subTopology,
    applicationId: 'app',
    store: openMemoryStore(),
    collector,
    partitionsOf: () => 1,
    time: behind.time,
    nowMs: () => 0,
    requestCommit: () => undefined,
  });
  behind.start(new Map([['app-first-repartition-0', 0]]));
  const told = (): unknown => {
    behind.time.sendReport(0);
    return collector
      .take()
      .map(({ value }) => (JSON.parse(String(value?.subarray(1))) as { caughtUp: boolean }).caughtUp);
  };
  behind.accept(fetched('app-first-repartition', 0, []));
  expect(told()).toEqual([false]);
  behind.graph.reportTime('first', { source: '0_0', watermarkMs: 5, caughtUp: true });
  behind.start(new Map([['app-first-repartition-0', 0]]));
  behind.accept(fetched('app-first-repartition', 0, []));
  expect(told()).toEqual([true]);
});

test('a task holds on to its thread when it works, or when some of its store is restored, and not before', async () => {
  const store = openMemoryStore();
  const life = (state: 'RESTORING' | 'RUNNING', of: typeof store | undefined) => ({
    ...lifeInMemory(of),
    state,
    store: of,
  });
  const held = (state: 'RESTORING' | 'RUNNING', of: typeof store | undefined): boolean =>
    new StreamTask(task.spec, life(state, of), { exactlyOnce: true }).hasState;
  expect([held('RESTORING', undefined), held('RESTORING', store), held('RUNNING', undefined)]).toEqual([
    false,
    false,
    true,
  ]);
  await store.commit({ changes: [], changelogOffsets: new Map([['c-0', 7]]), inputOffsets: new Map() });
  expect(held('RESTORING', store)).toBe(true);
});
