/** Joins of two streams against a model of a page: whatever comes, in whatever order, and with commits anywhere. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  joinWindows,
  stringSerde,
  StreamsBuilder,
  TopologyTestDriver,
  type JoinWindows,
  type KStream,
} from '../../index.ts';

const KINDS = ['inner', 'left', 'outer'] as const;
type Kind = (typeof KINDS)[number];
type Side = 'left' | 'right';

interface Incoming {
  readonly side: Side;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

/** Records of both sides that are read together, in one commit. */
interface Batch {
  readonly records: readonly Incoming[];
  /** The first attempt fails at the commit of what it has made. */
  readonly fails: boolean;
}

type Kept = Incoming & { readonly key: string };

const joiner = (left: string | null, right: string | null): string => `${left ?? '-'}+${right ?? '-'}`;
const result = (key: string | null, value: string, timestampMs: number): string =>
  `${key ?? 'null'}:${value}@${String(timestampMs)}`;

/** What the join says by its rules: nothing is ever forgotten here. */
class Model {
  readonly #kind: Kind;
  readonly #windows: JoinWindows;
  readonly #all: Kept[] = [];
  #unmatched: Kept[] = [];
  readonly #newestMs = { left: -1, right: -1 };
  #streamTimeMs = -1;

  constructor(kind: Kind, windows: JoinWindows) {
    this.#kind = kind;
    this.#windows = windows;
  }

  process({ side, key, value, timestampMs }: Incoming): string[] {
    const { graceMs } = this.#windows;
    const tellsUnmatched = this.#kind === 'outer' || (this.#kind === 'left' && side === 'left');
    this.#streamTimeMs = Math.max(this.#streamTimeMs, timestampMs);
    if (value === null || (key === null && !tellsUnmatched)) return [];
    if (key === null) return [result(key, this.#alone(side, value), timestampMs)];
    const due = this.#unmatched
      .filter((one) => this.#isClosed(one))
      .map((one, arrival) => ({ one, arrival }))
      .sort(
        (a, b) =>
          a.one.timestampMs - b.one.timestampMs ||
          (a.one.side === b.one.side ? 0 : a.one.side === 'right' ? -1 : 1) ||
          Buffer.compare(Buffer.from(a.one.key), Buffer.from(b.one.key)) ||
          a.arrival - b.arrival,
      )
      .map(({ one }) => result(one.key, this.#alone(one.side, one.value ?? ''), one.timestampMs));
    this.#unmatched = this.#unmatched.filter((one) => !this.#isClosed(one));
    const kept: Kept = { key, value, timestampMs, side };
    this.#newestMs[side] = Math.max(this.#newestMs[side], timestampMs);
    const keptMs = Math.max(1, this.#windows.beforeMs + this.#windows.afterMs + graceMs);
    const partners = this.#all
      .filter((other) => other.side !== side && other.key === key && this.#meet(kept, other))
      .filter((other) => other.timestampMs > this.#newestMs[other.side] - keptMs)
      .map((other, arrival) => ({ other, arrival }))
      .sort((a, b) => a.other.timestampMs - b.other.timestampMs || a.arrival - b.arrival)
      .map(({ other }) => other);
    this.#all.push(kept);
    this.#unmatched = this.#unmatched.filter((one) => !partners.includes(one));
    const matches = partners.map((other) =>
      result(
        key,
        side === 'left' ? joiner(value, other.value) : joiner(other.value, value),
        Math.max(timestampMs, other.timestampMs),
      ),
    );
    if (matches.length > 0 || !tellsUnmatched) return [...due, ...matches];
    if (this.#isClosed(kept)) return [...due, result(key, this.#alone(side, value), timestampMs)];
    this.#unmatched.push(kept);
    return due;
  }

  #meet(one: Kept, other: Kept): boolean {
    const [left, right] = one.side === 'left' ? [one, other] : [other, one];
    const { beforeMs, afterMs } = this.#windows;
    return left.timestampMs - beforeMs <= right.timestampMs && right.timestampMs <= left.timestampMs + afterMs;
  }

  #isClosed({ side, timestampMs }: Kept): boolean {
    const { beforeMs, afterMs, graceMs } = this.#windows;
    return timestampMs + (side === 'left' ? afterMs : beforeMs) + graceMs < this.#streamTimeMs;
  }

  #alone(side: Side, value: string): string {
    return side === 'left' ? joiner(value, null) : joiner(null, value);
  }
}

const windows = fc
  .record({ beforeMs: fc.integer({ min: -3, max: 12 }), afterMs: fc.integer({ min: -3, max: 12 }), graceMs: fc.nat(8) })
  .filter(({ beforeMs, afterMs }) => beforeMs + afterMs >= 0);

/** Keys that begin with each other, and bytes that end a key inside the stores. */
const KEYS = ['a', 'a\0', 'a\0b', 'ab', 'é', ''];

const incoming = fc.record({
  side: fc.constantFrom<Side>('left', 'right'),
  key: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...KEYS.slice(0, 3)) }, fc.constantFrom(...KEYS, null)),
  value: fc.oneof({ weight: 12, arbitrary: fc.constantFrom('x', 'y', 'z', 'x2') }, fc.constant(null)),
  // Mostly close together, now and then a jump that closes all.
  timestampMs: fc.oneof({ weight: 8, arbitrary: fc.nat(40) }, fc.nat(90)),
});

const batches = fc.array(
  fc.record({
    records: fc.array(incoming, { minLength: 1, maxLength: 8 }),
    fails: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

async function run(kind: Kind, window: JoinWindows, input: readonly Batch[]): Promise<void> {
  const failing = { now: false };
  const builder = new StreamsBuilder();
  // One topic: what a side has left behind, and what the other one still finds, may lie in one commit.
  const both = builder.stream('in', { value: stringSerde, nulls: 'keep' });
  const of = (side: Side): KStream<string | null, string | null> =>
    both.filter((_value, _key, { headers }) => String(headers['side']) === side);
  const [left, right] = [of('left'), of('right')];
  const options = { windows: window, name: 'j' };
  const check = (): void => {
    if (failing.now) throw new Error('fails once');
  };
  if (kind === 'inner') left.join(right, joiner, options).to('out', { value: stringSerde });
  else
    (kind === 'left' ? left.leftJoin(right, joiner, options) : left.outerJoin(right, joiner, options)).to('out', {
      value: stringSerde,
    });
  // Behind all that the join has done with a record.
  both.forEach(check);
  const driver = new TopologyTestDriver(builder.build());
  const model = new Model(kind, window);
  for (const { records, fails } of input) {
    failing.now = fails;
    const piped = driver.pipe(
      'in',
      ...records.map(({ side, ...record }) => ({ ...record, headers: { side: Buffer.from(side) } })),
    );
    if (fails) {
      await expect(piped).rejects.toThrow('fails once');
      expect(driver.output('out')).toEqual([]);
      failing.now = false;
      await driver.advanceWallClock(0);
    } else await piped;
    const expected = records.flatMap((record) => model.process(record));
    const told = driver
      .output('out')
      .map(({ key, value, timestampMs }) => result(key === null ? null : String(key), String(value), timestampMs));
    expect(told).toEqual(expected);
  }
}

test.each(KINDS)('%s joins say what their rules say', async (kind) => {
  await fc.assert(
    fc.asyncProperty(windows, batches, (window, input) => run(kind, joinWindows(window), input)),
    { numRuns: 60 },
  );
});
