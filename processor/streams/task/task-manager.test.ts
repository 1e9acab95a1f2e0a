import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeBrokers, type FakePartition } from '../tests/support/fake-brokers.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import type { InputCommit, OutgoingRecord, StreamsProducer } from '../writing/streams-producer.ts';
import { RecordFetcher } from '../reading/record-fetcher.ts';
import { StreamsError, type ErrorCode } from '../errors.ts';
import { UNHEARD } from '../long-waits.ts';
import { taskDirectory } from '../store/state-directory.ts';
import { storeDamaged, storeIoFailed } from '../store/store-errors.ts';
import { StreamsBuilder } from '../topology/streams-builder.ts';
import type { StartAt } from '../topology/graph.ts';
import type { Topology } from '../topology/topology.ts';
import { DiskWait } from './disk-wait.ts';
import { FenceGate } from './fence-gate.ts';
import { openCheckedStore, setAsideStore } from './open-store.ts';
import type { StreamTask } from './stream-task.ts';
import { TaskGraph } from './task-graph.ts';
import { TaskLayout } from './task-layout.ts';
import { TaskManager } from './task-manager.ts';
import { until, stays, DEADLINE_MS } from '../../../tests/support/until.ts';
import { parseTopicPartition, topicPartition } from '../kafka/topic-partition.ts';

const APPLICATION = 'app';

interface Shape {
  readonly exactlyOnce?: boolean;
  readonly startAt?: StartAt;
  /** Of the store. */
  readonly changelog?: boolean;
}

function counting({ startAt = 'earliest', changelog = true }: Shape): Topology {
  const builder = new StreamsBuilder();
  const timestampMs = (word: string): number => word.length * 1_000;
  builder.stream('words', { decode: ({ value }) => String(value), timestampMs, startAt }).process(
    () => {
      let rows: { get(key: string): number | undefined; put(key: string, value: number): void } | undefined;
      return {
        init: (context) => {
          rows = context.keyValueStore<number>('counts');
        },
        process: (word) => rows?.put(word, (rows.get(word) ?? 0) + 1),
      };
    },
    {
      stores: [
        {
          name: 'counts',
          kind: 'key-value',
          changelog,
          serde: { serialize: (count) => Buffer.from(String(count)), deserialize: (bytes) => Number(bytes.toString()) },
        },
      ],
    },
  );
  return builder.build();
}

/** What becomes of one step of a commit. `afterwards`: it is done, and its answer lost. */
interface Failure {
  readonly step: 'send' | 'commit';
  readonly code: ErrorCode;
  readonly afterwards?: boolean;
}

/** A cluster of one partition each, a thread's task manager, and its loop turned by hand. */
class Bench {
  readonly brokers = new FakeBrokers();
  readonly failures: Failure[] = [];
  readonly fatal: unknown[] = [];
  readonly fences = new FenceGate();
  /** What the tasks have said that they wait for, and where their graphs were made. */
  readonly steps: string[] = [];
  /** Where what commits have sent ends. */
  readonly sent: [string, Record<string, number>][] = [];
  inits = 0;
  onInit: () => void = () => undefined;
  /** What is committed beside the offsets. */
  metadata: string | null = null;
  readonly disk: DiskWait;
  readonly tasks: TaskManager;
  readonly #fetcher: RecordFetcher;

  constructor(slotDirectory: string, shape: Shape = {}) {
    const { exactlyOnce = true } = shape;
    this.disk = new DiskWait(slotDirectory, quietLogger);
    const topology = counting(shape);
    const partitionsOf = (): number => 1;
    const layout = new TaskLayout(topology, APPLICATION, partitionsOf);
    this.brokers.add('words', 0, 1);
    this.brokers.add('app-counts-changelog', 0, 1);
    this.brokers.add('app-offsets', 0, 1);
    this.#fetcher = new RecordFetcher(this.brokers, quietLogger, { maxWaitMs: 10 });
    this.tasks = new TaskManager({
      layout,
      life: {
        disk: this.disk,
        logger: quietLogger,
        openStore: (taskId, signal) =>
          openCheckedStore({
            identity: { applicationId: APPLICATION, taskId },
            slotDirectory,
            signal,
            logger: quietLogger,
          }),
        setStoreAside: (taskId) => setAsideStore(taskDirectory(slotDirectory, taskId)),
        onFatal: (error) => this.fatal.push(error),
      },
      initialise: {
        applicationId: APPLICATION,
        inputTopics: ['words'],
        cluster: this.brokers,
        logger: quietLogger,
        fences: this.fences,
        waits: { of: () => ({ ...UNHEARD, step: (waitsFor) => void this.steps.push(waitsFor) }) },
        exactlyOnce,
        settleMs: 1_500,
        createProducer: () => this.#createProducer(),
        createGraph: (task, store, indexes) => {
          this.steps.push('(its graph)');
          return new TaskGraph({
            taskId: task.id,
            subTopology: task.spec.subTopology,
            applicationId: APPLICATION,
            store,
            indexes,
            collector: task.collector,
            partitionsOf,
            time: task.time,
            nowMs: Date.now,
            requestCommit: () => undefined,
          });
        },
      },
      onCommitted: ({ id }, sent) => void this.sent.push([id, Object.fromEntries(sent)]),
      onRunning: (_task, offsets) => {
        for (const [name, offset] of offsets) this.#fetcher.seek(parseTopicPartition(name).topic, 0, offset);
      },
      onStopped: (task) => {
        for (const { topic, partition } of task.inputs) this.#fetcher.remove(topic, partition);
      },
    });
  }

  publish(...words: string[]): void {
    this.brokers.partitions.get('words-0')?.values.push(...words);
  }

  /** Turns the loop until all input is committed, or something fatal happens. */
  async work(): Promise<void> {
    const end = this.brokers.partitions.get('words-0')?.values.length ?? 0;
    for (
      const deadline = performance.now() + DEADLINE_MS;
      (this.brokers.committed.get('words-0') ?? 0) < end && this.fatal.length === 0;
    ) {
      if (performance.now() > deadline) throw new Error('the input is not committed');
      for (const part of await this.#fetcher.take(20)) this.tasks.taskOf(part.topic, part.partition)?.accept(part);
      await this.tasks.commit(performance.now());
    }
    // The last commit's store batch.
    await this.tasks.commit(performance.now());
  }

  async untilRunning(): Promise<void> {
    await until(() => {
      if (this.fatal.length > 0) throw new Error(`the task does not run: ${String(this.fatal[0])}`);
      return this.tasks.running().length > 0;
    }, 'the task runs');
  }

  /** The changelog's newest counts, and the store's. */
  counts(): { changelog: Record<string, number>; store: Record<string, number | undefined> } {
    const changelog: Record<string, number> = {};
    for (const row of this.brokers.partitions.get('app-counts-changelog-0')?.values ?? []) {
      if (typeof row === 'object') changelog[String(row.key)] = Number(String(row.value));
    }
    const [task] = this.tasks.running();
    const store = Object.fromEntries(
      Object.keys(changelog).map((word) => [word, Number(task?.store?.get('counts', Buffer.from(word))?.toString())]),
    );
    return { changelog, store };
  }

  async close(): Promise<void> {
    this.brokers.dead.clear();
    await this.tasks.closeAll(true).catch(() => undefined);
    await this.#fetcher.close();
  }

  #createProducer(): StreamsProducer {
    const sent: OutgoingRecord[] = [];
    const fail = (step: Failure['step'], act: () => void): void => {
      const failure = this.failures[0]?.step === step ? this.failures.shift() : undefined;
      if (failure === undefined || failure.afterwards === true) act();
      if (failure !== undefined) throw new StreamsError(failure.code, `${step} failed`);
    };
    return {
      broken: false,
      init: async () => {
        this.inits += 1;
        this.onInit();
      },
      committed: async (partitions) =>
        partitions.map(({ topic, partition }) => ({
          offset: this.brokers.committed.get(topicPartition(topic, partition)) ?? -1,
          metadata: this.metadata,
        })),
      // What a transaction sends is in the topic with its commit.
      send: async (records) => {
        fail('send', () => {
          sent.push(...records);
        });
        const ends = new Map<string, number>();
        for (const { topic, partition } of records)
          ends.set(
            topicPartition(topic, partition),
            (ends.get(topicPartition(topic, partition)) ?? this.#end(topic, partition)) + 1,
          );
        return ends;
      },
      commit: async ({ offsets, metadata }: InputCommit) => {
        fail('commit', () => {
          this.metadata = metadata;
          for (const { topic, partition, key, value } of sent.splice(0))
            this.brokers.partitions.get(topicPartition(topic, partition))?.values.push({ key, value });
          for (const [name, offset] of offsets) this.brokers.committed.set(name, offset);
        });
      },
      abort: async () => undefined,
      close: async () => undefined,
    };
  }

  #end(topic: string, partition: number): number {
    return this.brokers.partitions.get(topicPartition(topic, partition))?.values.length ?? 0;
  }
}

let slot: string;
let bench: Bench;
beforeEach(async () => {
  slot = await mkdtemp(join(tmpdir(), 'tributary-tasks-'));
  bench = new Bench(slot);
});
afterEach(async () => {
  await bench.close();
  await rm(slot, { recursive: true, force: true });
});

const ASSIGNED = { words: [0] };

const KEPT = 'app-offsets-0';
const keep = (value: string | null): number | undefined =>
  bench.brokers.partitions
    .get(KEPT)
    ?.values.push({ key: Buffer.from('0_0'), value: value === null ? null : Buffer.from(value) });

async function run(...failures: Failure[]): Promise<void> {
  bench.failures.push(...failures);
  await bench.tasks.assign(ASSIGNED);
  bench.publish('a', 'b', 'a');
  await bench.work();
}

const ALL = { changelog: { a: 2, b: 1 }, store: { a: 2, b: 1 } };

test('a task that finds its schema registry away drops what it has done and begins again, for ever', async () => {
  await bench.tasks.assign(ASSIGNED);
  bench.publish('a', 'b', 'a');
  await bench.untilRunning();
  for (let times = 1; times <= 7; times += 1) {
    const [task] = bench.tasks.running() as [StreamTask];
    const away = (): never => {
      throw new StreamsError('SCHEMA_REGISTRY_AWAY', 'nobody answers');
    };
    expect(await bench.tasks.work(task, away)).toBeUndefined();
    expect(bench.tasks.running()).toEqual([]);
    expect(bench.tasks.registryAwayReason).toBe('tasks 0_0 wait for it: nobody answers');
    await bench.untilRunning();
    expect(bench.inits).toBe(times + 1);
  }
  await bench.work();
  expect(bench.counts()).toEqual(ALL);
  expect(bench.tasks.registryAwayReason).toBeNull();
  const [task] = bench.tasks.running() as [StreamTask];
  expect(await bench.tasks.work(task, () => 'done')).toBe('done');
  const failure = new StreamsError('USER_CODE_FAILED', 'a bug');
  await expect(
    bench.tasks.work(task, () => {
      throw failure;
    }),
  ).rejects.toBe(failure);
});

test('a commit says where what it has sent ends, and one that fails says nothing', async () => {
  await run({ step: 'commit', code: 'BROKER_AWAY' });
  expect(bench.sent).toEqual([['0_0', { 'app-counts-changelog-0': 2, [KEPT]: 1 }]]);
});

test('a task that begins says what it waits for before each thing that may take long', async () => {
  await bench.tasks.assign(ASSIGNED);
  await bench.untilRunning();
  expect(bench.steps).toEqual([
    'the next assignment of the group',
    'its producer: what an earlier owner has left open is ended first',
    'the committed offsets of its inputs',
    'the ends of its inputs',
    'the offsets that it has kept in app-offsets',
    'its store to be opened and checked',
    'the ends of its changelogs',
    'the ends of its inputs',
    'its stores without a changelog to be compared with its inputs',
    'the keys of its stores to be loaded',
    '(its graph)',
  ]);
});

test('a source that starts at the latest passes over what was there, and nothing that comes later', async () => {
  await bench.close();
  for (const exactlyOnce of [true, false]) {
    const late = new Bench(slot, { exactlyOnce, startAt: 'latest' });
    bench = late;
    late.publish('old', 'old');
    await late.tasks.assign(ASSIGNED);
    await late.untilRunning();
    // Before the first record: a task that is lost now must not start at a later end.
    await late.tasks.commit(performance.now());
    expect(late.brokers.committed.get('words-0')).toBe(2);
    await late.tasks.assign({});
    late.publish('a');
    await late.tasks.assign(ASSIGNED);
    await late.untilRunning();
    late.publish('a');
    await late.work();
    expect(late.counts().store).toEqual({ a: 2 });
    await late.close();
    await rm(slot, { recursive: true, force: true });
    await mkdir(slot, { recursive: true });
  }
});

test('a source that starts at the latest starts before what an open transaction has written', async () => {
  await bench.close();
  const late = new Bench(slot, { startAt: 'latest' });
  bench = late;
  late.publish('old', 'old', 'open');
  const words = late.brokers.partitions.get('words-0') as FakePartition;
  words.lastStableEnd = 2;
  await late.tasks.assign(ASSIGNED);
  await late.untilRunning();
  await late.tasks.commit(performance.now());
  expect(late.brokers.committed.get('words-0')).toBe(2);
  delete words.lastStableEnd;
  await late.work();
  expect(late.counts().store).toEqual({ open: 1 });
});

test('a store without a changelog begins empty when the group has gone on elsewhere, and only then', async () => {
  await bench.close();
  const unlogged = new Bench(slot, { changelog: false });
  bench = unlogged;
  const counted = (): (string | undefined)[] => {
    const store = unlogged.tasks.running()[0]?.store;
    return ['a', 'b'].map((word) => store?.get('counts', Buffer.from(word))?.toString());
  };
  await run();
  expect(counted()).toEqual(['2', '1']);
  await unlogged.tasks.assign({});
  await unlogged.tasks.assign(ASSIGNED);
  await unlogged.untilRunning();
  expect(counted()).toEqual(['2', '1']);
  await unlogged.tasks.assign({});
  // Another instance has counted one more.
  unlogged.publish('b');
  unlogged.brokers.committed.set('words-0', 4);
  keep('{"words-0":4}');
  await unlogged.tasks.assign(ASSIGNED);
  await unlogged.untilRunning();
  expect(counted()).toEqual([undefined, undefined]);
});

test('an initialised task goes on from the stream time of its last commit, though it has no windows', async () => {
  await run();
  bench.publish('longer');
  await bench.work();
  await bench.tasks.assign({});
  await bench.tasks.assign(ASSIGNED);
  await bench.untilRunning();
  expect(bench.tasks.running()[0]?.graph?.streamTimeMs()).toBe(6_000);
  bench.publish('a');
  await bench.work();
  expect(bench.tasks.running()[0]?.graph?.streamTimeMs()).toBe(6_000);
});

describe('a commit that failed', () => {
  for (const code of ['COMMIT_FAILED', 'TASK_FENCED', 'BROKER_AWAY'] as const) {
    for (const step of ['send', 'commit'] as const) {
      test(`with ${code} in its ${step}: the task is initialised again and counts each record once`, async () => {
        await run({ step, code });
        expect(bench.counts()).toEqual(ALL);
        expect(bench.inits).toBe(2);
      });
    }
  }

  test('and had been done: the store takes it from the changelog, the input goes on behind it', async () => {
    await run({ step: 'commit', code: 'COMMIT_FAILED', afterwards: true });
    await bench.untilRunning();
    expect(bench.counts()).toEqual(ALL);
    expect(bench.brokers.partitions.get('app-counts-changelog-0')?.values).toHaveLength(2);
    bench.publish('a');
    await bench.work();
    expect(bench.counts().store).toEqual({ a: 3, b: 1 });
  });

  test('over and over ends the thread, naming the task and the cause', async () => {
    await expect(
      run(...Array.from({ length: 9 }, (): Failure => ({ step: 'commit', code: 'COMMIT_FAILED' }))),
    ).rejects.toMatchObject({
      code: 'THREAD_FAILED',
      taskId: '0_0',
      message: 'task 0_0 failed 5 times in a row, last with COMMIT_FAILED: commit failed',
    });
  });

  test('now and then does not: a commit in between begins the count anew', async () => {
    await bench.tasks.assign(ASSIGNED);
    for (let round = 0; round < 8; round += 1) {
      bench.failures.push({ step: 'commit', code: 'COMMIT_FAILED' });
      bench.publish('a');
      await bench.work();
    }
    expect(bench.counts().store).toEqual({ a: 8 });
  });

  test('because the broker is away, or another owner was there, is repeated for as long as it takes', async () => {
    const away = Array.from({ length: 6 }, (): Failure[] => [
      { step: 'send', code: 'BROKER_AWAY' },
      { step: 'commit', code: 'TASK_FENCED' },
    ]).flat();
    await run(...away);
    expect(bench.counts()).toEqual(ALL);
  });

  test('again and again for want of a broker is told, while it lasts: others may commit meanwhile', async () => {
    const told: (string | null)[] = [];
    bench.onInit = () => told.push(bench.tasks.awayReason);
    await run(...Array.from({ length: 4 }, () => ({ step: 'send', code: 'BROKER_AWAY' }) as const));
    expect(told).toEqual([
      null,
      null,
      null,
      expect.stringMatching(/^task 0_0 has failed 3 times in a row: /),
      expect.stringMatching(/^task 0_0 has failed 4 times in a row: /),
    ]);
    expect([bench.tasks.awayReason, bench.counts()]).toEqual([null, ALL]);
  });

  test('in the store, which turns out damaged: the task goes on with one that is sound', async () => {
    await bench.tasks.assign(ASSIGNED);
    await bench.untilRunning();
    const [task] = bench.tasks.running();
    const store = task?.store;
    if (store === undefined) throw new Error('no store');
    let read = 0;
    store.commit = async () => {
      read += 1;
      throw storeDamaged(slot, 'a block does not match its checksum');
    };
    bench.publish('a', 'b', 'a');
    await bench.work();
    await bench.untilRunning();
    expect(bench.counts()).toEqual(ALL);
    expect(read).toBe(1);
    expect(bench.tasks.running()[0]?.store).not.toBe(store);
  });
});

describe('a disk in trouble', () => {
  /** No probe can be written where a directory has its name. */
  const block = (): Promise<unknown> => mkdir(join(slot, '0_0', 'disk-probe'));
  const unblock = (): Promise<void> => rm(join(slot, '0_0', 'disk-probe'), { recursive: true });

  async function failInStore(): Promise<void> {
    await bench.tasks.assign(ASSIGNED);
    await bench.untilRunning();
    await block();
    const store = bench.tasks.running()[0]?.store;
    if (store === undefined) throw new Error('no store');
    store.commit = async () => {
      throw storeIoFailed(slot, 'the disk is full: free some space');
    };
    bench.publish('a', 'b', 'a');
    await bench.work();
  }

  test('after the Kafka commit: it waits without a fence; what the store missed comes from the changelog', async () => {
    await failInStore();
    const suspended = (): boolean => bench.tasks.tasks.map((t) => t.life.state).join() === 'SUSPENDED';
    await until(suspended, 'it waits for the disk');
    await stays(suspended, 'it waits on', 1_200);
    expect(bench.disk.reason).toContain('0_0');
    expect([bench.inits, bench.fatal]).toEqual([1, []]);
    await unblock();
    await bench.untilRunning();
    expect(bench.counts()).toEqual(ALL);
    expect([bench.inits, bench.disk.reason]).toEqual([2, null]);
    bench.publish('a');
    await bench.work();
    expect(bench.counts().store).toEqual({ a: 3, b: 1 });
  });

  test('keeps no task from being given away', async () => {
    await failInStore();
    await until(() => bench.disk.reason !== null, 'it waits for the disk');
    await bench.tasks.assign({});
    expect([bench.tasks.tasks.length, bench.fatal, bench.disk.reason]).toEqual([0, [], null]);
    await unblock();
    await bench.tasks.assign(ASSIGNED);
    await bench.untilRunning();
    expect(bench.counts()).toEqual(ALL);
  });

  test('that does not take the clean mark ends nothing: the store is checked when it is opened again', async () => {
    await run();
    await mkdir(join(slot, '0_0', 'clean-mark.json.new'));
    await bench.tasks.assign({});
    await rm(join(slot, '0_0', 'clean-mark.json.new'), { recursive: true });
    await bench.tasks.assign(ASSIGNED);
    await bench.untilRunning();
    expect(bench.tasks.running()[0]?.store?.uncleanOpen).toBe(true);
    expect(bench.counts()).toEqual(ALL);
  });
});

describe('initialising', () => {
  test('refuses a row that something else wrote into the changelog: it gets into no store', async () => {
    bench.brokers.partitions
      .get('app-counts-changelog-0')
      ?.values.push({ key: Buffer.from([0xff]), value: Buffer.from('1') });
    await bench.tasks.assign(ASSIGNED);
    await until(() => bench.fatal.length > 0, 'the row is refused');
    expect(bench.fatal).toEqual([
      expect.objectContaining({
        code: 'INTERNAL_TOPIC_INVALID',
        message: expect.stringMatching(/^app-counts-changelog-0 offset 0 holds a key that is no text/),
      }),
    ]);
  });

  test('counts twice what an old owner commits during the restore, unfenced, and leaves nothing out', async () => {
    const row = (word: string, count: number): { key: Buffer; value: Buffer } => ({
      key: Buffer.from(word),
      value: Buffer.from(String(count)),
    });
    const changelog = bench.brokers.partitions.get('app-counts-changelog-0') as FakePartition;
    bench.publish('a', 'b');
    changelog.values.push(row('a', 1));
    bench.brokers.committed.set('words-0', 1);
    // The restore knows where the changelog ends when this arrives.
    bench.brokers.onAnswer = async (_nodeId, asked) => {
      if (changelog.values.length > 1 || !asked.some(({ topic }) => topic === 'app-counts-changelog')) return;
      changelog.values.push(row('b', 1));
      bench.brokers.committed.set('words-0', 2);
    };
    await bench.tasks.assign(ASSIGNED);
    await bench.untilRunning();
    expect(changelog.values).toHaveLength(2);
    bench.publish('b');
    await bench.work();
    expect(bench.counts().store).toEqual({ a: 1, b: 2 });
  });

  test('waits at the gate, and is called off when the task goes', async () => {
    await bench.fences.close(0);
    await bench.tasks.assign(ASSIGNED);
    await stays(() => bench.inits === 0, 'the task waits at the gate');
    await bench.tasks.assign({});
    bench.fences.open();
    await stays(() => bench.inits === 0, 'the task is called off');
    expect([bench.inits, bench.tasks.tasks.length, bench.fatal]).toEqual([0, 0, []]);
  });

  test('goes on where the task was closed, with nothing to restore', async () => {
    await run();
    await bench.tasks.assign({});
    bench.brokers.fetches.length = 0;
    await bench.tasks.assign(ASSIGNED);
    await bench.untilRunning();
    expect(bench.brokers.fetches.filter(({ asked }) => asked.some(({ topic }) => topic.endsWith('changelog')))).toEqual(
      [],
    );
    bench.publish('b');
    await bench.work();
    expect(bench.counts()).toEqual({ changelog: { a: 2, b: 2 }, store: { a: 2, b: 2 } });
  });

  // A lone broker that was killed may load its group from an older state, and load it again seconds later
  // (docs/chaos.md).
  test.each([
    ['older offsets than it has', 1],
    ['no offsets', undefined],
  ])('is initialised again when the group answered %s for a while', async (_what, offset) => {
    await run();
    await bench.tasks.assign({});
    const committed = bench.brokers.committed.get('words-0') as number;
    if (offset === undefined) bench.brokers.committed.delete('words-0');
    else bench.brokers.committed.set('words-0', offset);
    await bench.tasks.assign(ASSIGNED);
    await stays(() => bench.tasks.running().length === 0, 'the group is asked again');
    bench.brokers.committed.set('words-0', committed);
    await bench.untilRunning();
    bench.publish('b');
    await bench.work();
    expect(bench.fatal).toEqual([]);
    expect(bench.counts()).toEqual({ changelog: { a: 2, b: 2 }, store: { a: 2, b: 2 } });
  });

  test.each([
    ['offsets beyond the end of the topic', 9, 'OFFSET_OUT_OF_RANGE'],
    ['offsets moved back', 1, 'STORE_AHEAD_OF_GROUP'],
    ['offsets that are gone', undefined, 'OFFSETS_MISSING'],
  ])('refuses %s', async (_what, offset, code) => {
    await run();
    await bench.tasks.assign({});
    if (offset === undefined) bench.brokers.committed.delete('words-0');
    else bench.brokers.committed.set('words-0', offset);
    await bench.tasks.assign(ASSIGNED);
    await until(() => bench.fatal.length > 0, 'it is refused');
    expect(bench.fatal).toEqual([expect.objectContaining({ code })]);
  });

  const untilFatal = (): Promise<void> => until(() => bench.fatal.length > 0, 'it is refused');
  /** Processes three records, loses the disk, and stands with this offset in the group. */
  async function movedOnAnEmptyDisk(offset: number | undefined): Promise<void> {
    await run();
    await bench.tasks.assign({});
    await rm(slot, { recursive: true });
    await mkdir(slot);
    if (offset === undefined) bench.brokers.committed.delete('words-0');
    else bench.brokers.committed.set('words-0', offset);
  }

  test.each([
    [
      'moved back',
      1,
      'STORE_AHEAD_OF_GROUP',
      /words-0 in the group app: .* 0_0 has processed it up to 3, but .* committed only 1: .* --to-offset 3 /,
    ],
    [
      'moved forward, but not beyond the end',
      4,
      'OFFSETS_MOVED',
      /the group stands at offset 4 of it, but .* task 0_0 has processed it up to 3: .* --to-offset 3 /,
    ],
    [
      'deleted',
      undefined,
      'OFFSETS_MISSING',
      /the group has no committed offset for it, but .* task 0_0 has processed it up to 3\. .* --to-offset 3 /,
    ],
  ])('refuses offsets %s on an empty disk, by what the application has kept', async (_what, offset, code, message) => {
    await movedOnAnEmptyDisk(offset);
    bench.publish('a', 'b');
    await bench.tasks.assign(ASSIGNED);
    await untilFatal();
    expect(bench.fatal).toEqual([expect.objectContaining({ code, message: expect.stringMatching(message) })]);
  });

  test('is initialised again when what is kept was answered from an older state for a while', async () => {
    await run();
    await bench.tasks.assign({});
    const kept = bench.brokers.partitions.get(KEPT) as FakePartition;
    const newest = kept.values;
    kept.values = [{ key: Buffer.from('0_0'), value: Buffer.from('{"words-0":1}') }];
    await bench.tasks.assign(ASSIGNED);
    await stays(() => bench.tasks.running().length === 0, 'it is asked again');
    kept.values = newest;
    await bench.untilRunning();
    bench.publish('b');
    await bench.work();
    expect([bench.fatal, bench.counts().store]).toEqual([[], { a: 2, b: 2 }]);
  });

  test(
    'goes by the group alone where nothing is kept: offsets that were set before the first ' +
      'start, a release of before',
    async () => {
      bench.publish('a', 'b', 'a');
      bench.brokers.committed.set('words-0', 2);
      await bench.tasks.assign(ASSIGNED);
      await bench.work();
      expect([bench.fatal, bench.counts().changelog]).toEqual([[], { a: 1 }]);
    },
  );

  test('refuses a row that is none, naming where it is', async () => {
    keep('{"words-0":-7}');
    await bench.tasks.assign(ASSIGNED);
    await untilFatal();
    expect(bench.fatal).toEqual([
      expect.objectContaining({
        code: 'INTERNAL_TOPIC_INVALID',
        message: expect.stringMatching(/^app-offsets-0 offset 0 does not say .*task 0_0/),
      }),
    ]);
  });

  test('with at_least_once takes back what is kept: its offsets go on without it', async () => {
    keep('{"words-0":1}');
    const plain = new Bench(slot, { exactlyOnce: false });
    try {
      plain.brokers.partitions.set(KEPT, bench.brokers.partitions.get(KEPT) as FakePartition);
      plain.publish('a', 'b');
      await plain.tasks.assign(ASSIGNED);
      await plain.work();
      const rows = plain.brokers.partitions.get(KEPT)?.values;
      expect(rows?.map((row) => (typeof row === 'object' && row.value === null ? null : 'a row'))).toEqual([
        'a row',
        null,
      ]);
    } finally {
      await plain.close();
    }
  });
});
