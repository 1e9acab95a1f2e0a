import { afterEach, describe, expect, test } from '@jest/globals';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { until } from '../../../tests/support/until.ts';
import { FakeBrokers, type FakePartition } from '../tests/support/fake-brokers.ts';
import { batchBytes } from '../tests/support/record-batch-bytes.ts';
import { FetchedGlobalTable } from './fetched-global-table.ts';

/*
 * A compacted topic forgets that a row was deleted, delete.retention.ms after the deletion. A copy that was away for
 * longer would keep the row for ever.
 */

const HOUR_MS = 3_600_000;
const WALL_MS = Date.UTC(2026, 0, 2);

/** A record of a log that the cleaner has been at: offsets are missing. */
type LogRecord = readonly [offset: number, key: string, value: string | null];

class Copy {
  readonly brokers = new FakeBrokers();
  readonly log: FakePartition;
  readonly rows = new Map<string, string>();
  readonly resets: string[] = [];
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  readonly clock = { wall: WALL_MS, elapsed: 0 };
  /** Whoever copies the table takes what comes, and applies it when this is fulfilled. */
  applies: Promise<void> | undefined;
  readonly table: FetchedGlobalTable;

  constructor(deleteRetentionMs: number | undefined = HOUR_MS) {
    this.log = this.brokers.add('t', 0, 1);
    this.table = new FetchedGlobalTable(
      this.brokers,
      ['a:1'],
      {
        topics: ['t'],
        deleteRetentionMs: () => deleteRetentionMs,
        onChanges: (changes) => {
          const apply = (): void => {
            for (const { key, value } of changes)
              if (value === null) this.rows.delete(key.toString());
              else this.rows.set(key.toString(), value.toString());
          };
          if (this.applies === undefined) return apply();
          return this.applies.then(apply);
        },
        onReset: (topic, partition) => {
          this.resets.push(`${topic}-${String(partition)}`);
          this.rows.clear();
        },
        onState: () => undefined,
        onFatal: (error) => {
          throw error;
        },
      },
      {
        ...quietLogger,
        warn: (_fields, message) => void this.warnings.push(message),
        info: (_fields, message) => void this.infos.push(message),
      },
      { wallMs: () => this.clock.wall, elapsedMs: () => this.clock.elapsed },
    );
  }

  /** What the log holds from now on, up to `end`. */
  holds(end: number, ...records: readonly LogRecord[]): void {
    this.log.values = Array.from({ length: end }, () => '');
    this.log.recordSet = (from) => {
      const left = records.filter(([offset]) => offset >= from);
      const base = Math.min(from, end - 1);
      if (from >= end) return Buffer.alloc(0);
      return batchBytes({
        baseOffset: BigInt(base),
        lastOffsetDelta: end - 1 - base,
        records: left.map(([offset, key, value]) => ({
          offsetDelta: offset - base,
          timestampDelta: 0n,
          key: Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
        })),
      });
    };
  }

  async complete(position: number): Promise<void> {
    await until(
      () => this.table.state().complete && this.table.positions().get('t-0') === position,
      () => `the copy is complete at ${position}: ${JSON.stringify(this.table.state())}`,
    );
  }

  /** The broker answers nothing more until `answersAgain`. */
  cutOff(): void {
    this.brokers.dead.add(1);
  }

  answersAgain(): void {
    this.brokers.dead.delete(1);
  }

  passes(ms: number, clocks: readonly ('wall' | 'elapsed')[] = ['wall', 'elapsed']): void {
    for (const clock of clocks) this.clock[clock] += ms;
  }
}

let copy: Copy;
afterEach(() => copy.table.close());

/** A copy of `a` and `b`, at the end. */
async function copied(deleteRetentionMs?: number): Promise<Copy> {
  copy = new Copy(deleteRetentionMs);
  copy.holds(2, [0, 'a', '1'], [1, 'b', '1']);
  copy.table.start();
  await copy.complete(2);
  return copy;
}

/** `a` was deleted at offset 2 and `c` was put after it; the cleaner has taken away all that there was of `a`. */
function deletionForgotten(): void {
  copy.holds(4, [1, 'b', '1'], [3, 'c', '1']);
}

test.each([
  ['both clocks', ['wall', 'elapsed']],
  ['the wall clock, while the machine slept', ['wall']],
  ['the other clock, while the wall clock was set back', ['elapsed']],
] as const)('a copy that was away for longer than tombstones are kept, by %s, is made anew', async (_, clocks) => {
  await copied();
  copy.cutOff();
  await until(() => !copy.table.state().complete, 'the copy knows that it is cut off');
  copy.passes(HOUR_MS + 1_000, clocks);
  deletionForgotten();
  copy.answersAgain();
  await copy.complete(4);
  expect(Object.fromEntries(copy.rows)).toEqual({ b: '1', c: '1' });
  expect(copy.resets).toEqual(['t-0']);
  // Whether it says before that it waits depends on when it asks again: by its clock an hour has passed.
  expect(copy.warnings.filter((line) => !line.includes('waits, and goes on by itself'))).toEqual([
    expect.stringContaining('read anew'),
  ]);
});

test('one that was away for less reads on', async () => {
  await copied();
  copy.cutOff();
  await until(() => !copy.table.state().complete, 'the copy knows that it is cut off');
  copy.passes(HOUR_MS - 1_000);
  copy.holds(4, [1, 'b', '1'], [2, 'a', null], [3, 'c', '1']);
  copy.answersAgain();
  await copy.complete(4);
  expect(Object.fromEntries(copy.rows)).toEqual({ b: '1', c: '1' });
  expect(copy.resets).toEqual([]);
});

test('one whose process stood while an answer was on its way is made anew: that answer is of before', async () => {
  await copied();
  const stood = new Promise<void>((resolve) => {
    copy.brokers.onAnswer = async () => {
      copy.brokers.onAnswer = undefined;
      copy.passes(HOUR_MS + 1_000);
      deletionForgotten();
      resolve();
    };
  });
  await stood;
  await copy.complete(4);
  expect(Object.fromEntries(copy.rows)).toEqual({ b: '1', c: '1' });
  expect(copy.resets).toEqual(['t-0']);
});

test('one that was away while nothing was written stays', async () => {
  await copied();
  copy.cutOff();
  await until(() => !copy.table.state().complete, 'the copy knows that it is cut off');
  copy.passes(2 * HOUR_MS);
  copy.answersAgain();
  await copy.complete(2);
  copy.holds(3, [0, 'a', '1'], [1, 'b', '1'], [2, 'a', null]);
  await copy.complete(3);
  expect(Object.fromEntries(copy.rows)).toEqual({ b: '1' });
  expect(copy.resets).toEqual([]);
});

test('a topic that keeps tombstones for no time is not read anew at every answer', async () => {
  await copied(0);
  copy.passes(2_000);
  copy.holds(3, [0, 'a', '1'], [1, 'b', '1'], [2, 'c', '1']);
  await copy.complete(3);
  expect(copy.resets).toEqual([]);
});

test('of a copy that is made anew, the time when it caught up is the new one', async () => {
  copy = new Copy();
  copy.holds(2, [0, 'a', '1'], [1, 'b', '1']);
  expect(copy.table.caughtUpAtMs('t')).toBeNull();
  copy.table.start();
  await copy.complete(2);
  expect(copy.table.caughtUpAtMs('t')).toBe(WALL_MS);
  expect(copy.table.caughtUpAtMs('u')).toBeNull();
  // Time goes on, and the copy with it.
  copy.passes(1_000);
  copy.holds(3, [0, 'a', '1'], [1, 'b', '1'], [2, 'c', '1']);
  await copy.complete(3);
  expect(copy.table.caughtUpAtMs('t')).toBe(WALL_MS);
  copy.cutOff();
  await until(() => !copy.table.state().complete, 'the copy knows that it is cut off');
  copy.passes(2 * HOUR_MS);
  copy.holds(5, [1, 'b', '1'], [4, 'c', '2']);
  copy.answersAgain();
  await copy.complete(5);
  expect(copy.table.caughtUpAtMs('t')).toBe(WALL_MS + 1_000 + 2 * HOUR_MS);
});

test('a first reading that takes longer than tombstones are kept is told of', async () => {
  copy = new Copy();
  copy.holds(2, [0, 'a', '1'], [1, 'b', '1']);
  copy.brokers.onAnswer = async () => {
    copy.brokers.onAnswer = undefined;
    copy.passes(2 * HOUR_MS);
  };
  copy.table.start();
  await copy.complete(2);
  expect(copy.warnings).toEqual([expect.stringContaining('set delete.retention.ms of the topic higher')]);
  expect(copy.resets).toEqual([]);
});

test('partitions that are added to a topic are read like the others', async () => {
  await copied();
  copy.brokers.add('t', 1, 1, [{ key: Buffer.from('new'), value: Buffer.from('1') }]);
  copy.passes(5_000);
  await until(() => copy.table.state().complete && copy.rows.has('new'), 'the new partition is read');
  expect([...copy.table.positions()]).toEqual([
    ['t-0', 2],
    ['t-1', 1],
  ]);
  expect(copy.resets).toEqual([]);
});

test.each([
  ['while it could not be read', true],
  ['between two answers', false],
])('a topic that was made anew %s is copied anew, be it longer than the one before', async (_, isMissed) => {
  copy = new Copy();
  copy.brokers.ids.set('t', 'first');
  copy.holds(2, [0, 'a', '1'], [1, 'b', '1']);
  copy.brokers.add('t', 1, 1, [{ key: Buffer.from('c'), value: Buffer.from('1') }]);
  copy.table.start();
  await copy.complete(2);
  if (isMissed) {
    copy.log.errorCode = 3;
    await until(() => !copy.table.state().complete, 'the copy knows that its topic is away');
  }
  copy.brokers.ids.set('t', 'second');
  copy.brokers.partitions.delete('t-1');
  copy.holds(3, [0, 'x', '1'], [1, 'y', '1'], [2, 'z', '1']);
  copy.log.errorCode = 0;
  if (!isMissed) copy.passes(5_000);
  await until(
    () => copy.table.state().complete && copy.rows.has('x'),
    () => `the copy is that of the new topic: ${JSON.stringify(copy.table.state())}`,
  );
  expect(Object.fromEntries(copy.rows)).toEqual({ x: '1', y: '1', z: '1' });
  expect([...copy.table.positions()]).toEqual([['t-0', 3]]);
  expect(copy.resets).toEqual(['t-0', 't-1']);
});

test('a wait that lasts is in the log once a minute, with its reason, and so is its end', async () => {
  await copied();
  copy.cutOff();
  await until(() => copy.table.state().reason?.startsWith('Kafka is away') === true, 'the broker is missed');
  expect([copy.warnings, copy.infos]).toEqual([[], []]);
  for (const warned of [1, 2]) {
    copy.passes(60_000);
    await until(() => copy.warnings.length === warned, `warning ${String(warned)}`);
  }
  expect(copy.warnings[0]).toMatch(/^the copy of t waits, and goes on by itself: Kafka is away: ./);
  copy.answersAgain();
  await until(() => copy.infos.length === 1, 'its end is told');
  expect([copy.warnings.length, copy.infos]).toEqual([2, ['what the copy waited for is there: it is read again']]);
});

describe('records that are handed over and cannot be applied yet', () => {
  function later(): { readonly applies: Promise<void>; readonly fulfil: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { applies: promise, fulfil: () => resolve() };
  }

  test('hold up their partition alone, which is read on behind them; the copy is not complete meanwhile', async () => {
    await copied();
    copy.brokers.add('t', 1, 1);
    copy.passes(5_000);
    await until(() => copy.table.positions().has('t-1'), 'the second partition is known');
    const { applies, fulfil } = later();
    copy.applies = applies;
    copy.holds(3, [0, 'a', '1'], [1, 'b', '1'], [2, 'a', '2']);
    await until(
      () => copy.table.state().reason === 'what was read last is not applied yet',
      () => `the copy says that it waits: ${JSON.stringify(copy.table.state())}`,
    );
    copy.applies = undefined;
    copy.holds(4, [0, 'a', '1'], [1, 'b', '1'], [2, 'a', '2'], [3, 'a', '3']);
    copy.brokers.partitions.get('t-1')?.values.push({ key: Buffer.from('other'), value: Buffer.from('1') });
    await until(() => copy.rows.has('other'), 'the other partition is read on');
    expect(Object.fromEntries(copy.rows)).toEqual({ a: '1', b: '1', other: '1' });
    expect(Object.fromEntries(copy.table.positions())).toEqual({ 't-0': 2, 't-1': 1 });
    expect(copy.table.state().complete).toBe(false);
    fulfil();
    await copy.complete(4);
    expect(Object.fromEntries(copy.rows)).toEqual({ a: '3', b: '1', other: '1' });
    expect(copy.resets).toEqual([]);
  });

  test('are forgotten with a topic that is made anew, also before the first of them is applied', async () => {
    copy = new Copy();
    copy.brokers.ids.set('t', 'first');
    const { applies, fulfil } = later();
    copy.applies = applies;
    copy.holds(2, [0, 'a', '1'], [1, 'b', '1']);
    copy.table.start();
    await until(() => copy.table.state().reason === 'what was read last is not applied yet', 'the copy waits');
    copy.applies = undefined;
    copy.brokers.ids.set('t', 'second');
    copy.holds(1, [0, 'x', '1']);
    copy.passes(5_000);
    await copy.complete(1);
    expect(copy.resets).toEqual(['t-0']);
    fulfil();
    await applies;
    expect([...copy.table.positions()]).toEqual([['t-0', 1]]);
  });
});
