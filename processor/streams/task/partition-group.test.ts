import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartitionGroup, type PartitionGroupOptions } from './partition-group.ts';

interface Row {
  readonly input: string;
  readonly offset: number;
  readonly timestampMs: number | undefined;
}

/** A group over fake partitions, fed by hand. */
class Fed {
  readonly read: Row[] = [];
  readonly held: string[] = [];
  readonly group: PartitionGroup<Row, Row>;
  readonly #ends = new Map<string, number>();

  constructor(inputs: readonly string[], options: Partial<PartitionGroupOptions<Row, Row>> = {}) {
    this.group = new PartitionGroup<Row, Row>({
      inputs,
      read: (row) => (this.read.push(row), row),
      maxIdleMs: 0,
      onFull: (input) => this.held.push(`+${input}`),
      onRoom: (input) => this.held.push(`-${input}`),
      ...options,
    });
    this.group.seek(new Map(inputs.map((input) => [input, 0])));
  }

  /** A fetch brought records of these times; `more`: so many are left on the broker. */
  fetched(input: string, times: readonly (number | undefined)[], { more = 0, bytes = 0 } = {}): void {
    const from = this.#ends.get(input) ?? 0;
    const nextOffset = from + times.length;
    this.#ends.set(input, nextOffset);
    this.group.add(input, {
      records: times.map((timestampMs, index) => ({ input, offset: from + index, timestampMs })),
      nextOffset,
      endOffset: nextOffset + more,
      bytes,
    });
  }

  taken(nowMs = 0, limit = Infinity): string[] {
    const rows: string[] = [];
    for (
      let row = this.group.next(nowMs);
      row !== undefined;
      row = rows.length < limit ? this.group.next(nowMs) : undefined
    )
      rows.push(`${row.input}${String(row.timestampMs)}`);
    return rows;
  }
}

test('the record with the smallest event time goes first; between equal ones the order of declaration decides', () => {
  const fed = new Fed(['a', 'b']);
  fed.fetched('b', [1, 5, 5, 9]);
  fed.fetched('a', [5, 5, 7]);
  expect(fed.taken()).toEqual(['b1', 'a5', 'a5', 'b5', 'b5', 'a7', 'b9']);
});

test('within a partition the order is that of the offsets, whatever the times say', () => {
  const fed = new Fed(['a', 'b']);
  fed.fetched('a', [9, 1, 2]);
  fed.fetched('b', [5]);
  expect(fed.taken()).toEqual(['b5', 'a9', 'a1', 'a2']);
});

test('what has no event time goes at once', () => {
  const fed = new Fed(['a', 'b']);
  fed.fetched('a', [1, 9]);
  fed.fetched('b', [undefined, 2, undefined]);
  expect(fed.taken()).toEqual(['bundefined', 'a1', 'b2', 'bundefined', 'a9']);
});

test('a partition is waited for when it has unread records or nothing is known of it, else not', () => {
  const fed = new Fed(['a', 'b']);
  fed.fetched('a', [1, 2, 3]);
  expect(fed.taken(1e9)).toEqual([]);
  expect(fed.group.readyAtMs(1e9)).toBe(Infinity);
  fed.fetched('b', [2], { more: 1 });
  expect(fed.taken(1e9)).toEqual(['a1', 'a2', 'b2']);
  fed.fetched('b', [], { more: 0 });
  expect(fed.group.readyAtMs(1e9)).toBe(1e9);
  expect(fed.taken(1e9)).toEqual(['a3']);
});

test('an empty partition is waited for as long as it was empty for less than the idle time', () => {
  const fed = new Fed(['a', 'b'], { maxIdleMs: 100 });
  fed.fetched('a', [1]);
  fed.fetched('b', []);
  expect(fed.group.readyAtMs(1_000)).toBe(1_100);
  expect(fed.taken(1_099)).toEqual([]);
  expect(fed.taken(1_100)).toEqual(['a1']);
  // What comes in it meanwhile is in time, and its time runs anew when it is empty again.
  fed.fetched('b', [0]);
  fed.fetched('a', [3]);
  expect(fed.taken(1_200)).toEqual(['b0']);
  expect(fed.group.readyAtMs(1_250)).toBe(1_300);
  expect(fed.taken(1_300)).toEqual(['a3']);
  expect(fed.group.readyAtMs(9_999)).toBe(Infinity);
});

test(
  'a full queue is held until half of it is gone, and then the end of its partition is ' +
    'unknown until a fetch tells it',
  () => {
    const fed = new Fed(['a', 'b'], { maxRecords: 4, maxBytes: 100 });
    fed.fetched('b', []);
    fed.fetched('a', [1, 2, 3]);
    expect(fed.held).toEqual([]);
    fed.fetched('a', [4]);
    expect(fed.held).toEqual(['+a']);
    expect(fed.taken(0, 1)).toEqual(['a1']);
    expect(fed.held).toEqual(['+a']);
    expect(fed.taken(0)).toEqual(['a2', 'a3', 'a4']);
    expect(fed.held).toEqual(['+a', '-a']);
    expect(fed.group.isDrained(['a'])).toBe(false);
    fed.fetched('b', [9]);
    expect(fed.taken()).toEqual([]);
    fed.fetched('a', []);
    expect(fed.taken()).toEqual(['b9']);
    fed.fetched('b', [10], { bytes: 100 });
    expect(fed.held).toEqual(['+a', '-a', '+b']);
  },
);

test('the position is that of the first record that was not taken, else behind all that was fetched', () => {
  const fed = new Fed(['a', 'b']);
  fed.group.seek(
    new Map([
      ['a', 7],
      ['b', 0],
    ]),
  );
  expect(fed.group.position('a')).toBe(7);
  // Offsets have gaps: markers, compacted records.
  fed.group.add('a', {
    records: [
      { input: 'a', offset: 9, timestampMs: 1 },
      { input: 'a', offset: 12, timestampMs: 2 },
    ],
    nextOffset: 15,
    endOffset: 15,
    bytes: 0,
  });
  fed.fetched('b', []);
  expect(fed.group.position('a')).toBe(9);
  fed.taken(0, 1);
  expect(fed.group.position('a')).toBe(12);
  fed.taken();
  expect(fed.group.position('a')).toBe(15);
  expect(fed.group.isDrained()).toBe(true);
});

test('a seek drops what waits', () => {
  const fed = new Fed(['a', 'b']);
  fed.fetched('a', [1, 2]);
  fed.group.seek(
    new Map([
      ['a', 0],
      ['b', 0],
    ]),
  );
  expect([fed.group.waiting('a'), fed.group.position('a'), fed.group.isDrained()]).toEqual([0, 0, false]);
});

test(
  'property: however fetches come, sorted partitions are merged in order, each record is ' +
    'read once and none is lost',
  () => {
    const partition = fc
      .array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 })
      .map((times) => times.sort((a, b) => a - b));
    fc.assert(
      fc.property(
        fc.array(partition, { minLength: 2, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 5 })), {
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 8 }),
        (partitions, steps, maxRecords) => {
          const names = partitions.map((_, index) => `p${String(index)}-`);
          const held = new Set<string>();
          const fed = new Fed(names, {
            maxRecords,
            onFull: (input) => held.add(input),
            onRoom: (input) => held.delete(input),
          });
          const left = partitions.map((times) => [...times]);
          const taken: string[] = [];
          let mostWaiting = 0;
          const fetch = (index: number, count: number): void => {
            const name = names[index] as string;
            if (held.has(name)) return;
            const times = (left[index] as number[]).splice(0, count);
            fed.fetched(name, times, { more: (left[index] as number[]).length });
            mostWaiting = Math.max(mostWaiting, fed.group.waiting(name));
          };
          for (const [index, count, take] of steps) {
            if (index < names.length) fetch(index, count);
            if (take > 0) taken.push(...fed.taken(0, take));
          }
          // Nobody waits for ever: a held partition has records, and one that is not is fetched.
          for (let round = 0; round < 200; round += 1) {
            for (let index = 0; index < names.length; index += 1) fetch(index, 2);
            taken.push(...fed.taken());
          }
          const expected = partitions
            .flatMap((times, index) => times.map((time) => ({ time, index })))
            .sort((a, b) => a.time - b.time || a.index - b.index);
          expect(taken).toEqual(expected.map(({ time, index }) => `${names[index] as string}${String(time)}`));
          expect(fed.read.length).toBe(expected.length);
          expect(mostWaiting).toBeLessThan(maxRecords + 6);
          expect(fed.group.isDrained()).toBe(true);
        },
      ),
    );
  },
);

test(
  'property: whatever the order within partitions, the newest time taken is the minimum over what may still ' +
    'bring older ones',
  () => {
    const partition = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(partition, { minLength: 2, maxLength: 4 }), (partitions) => {
        const names = partitions.map((_, index) => `p${String(index)}-`);
        const fed = new Fed(names);
        for (const [index, times] of partitions.entries()) fed.fetched(names[index] as string, times);
        const newest = new Map<string, number>();
        let newestTaken = -1;
        for (let row = fed.group.next(0); row !== undefined; row = fed.group.next(0)) {
          const at = row.timestampMs as number;
          newest.set(row.input, Math.max(at, newest.get(row.input) ?? -1));
          // A record is older than what was taken before only if it is older than what its own partition had before it.
          if (at < newestTaken) expect(newest.get(row.input)).toBeGreaterThan(at);
          newestTaken = Math.max(newestTaken, at);
        }
      }),
    );
  },
);
