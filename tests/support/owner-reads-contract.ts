import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StreamsError } from '@tributary/streams';
import type {
  OwnerAnswer,
  OwnerQuestion,
  OrderRead,
  OwnerReads,
  RangeAnswer,
  RangeRead,
} from '@tributary/streams/operations';

/** An application with the store "totals", in as many partitions as are named, and who asks it. */
export interface OwnersUnderTest {
  readonly reads: OwnerReads;
  /** Commits in the active task of this partition; null deletes. Returns the position behind it. */
  commit(partition: number, changes: readonly (readonly [string, string | null])[]): Promise<number>;
  /** The standby of this partition reads its changelog to the end. */
  follow(partition: number): Promise<void>;
  /** Who answers for this partition from now on. */
  hold(partition: number, held: 'active' | 'standby' | 'nobody'): void;
  close(): Promise<void>;
}

/** A slow machine is no failure. */
const LONG_MS = 60_000;

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const text = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString());
const rowsOf = (partition: number, keys: readonly string[], also: Partial<OwnerQuestion> = {}): OwnerQuestion => ({
  store: 'totals',
  partition,
  allowStale: false,
  read: { kind: 'rows', keys: keys.map(bytes) },
  ...also,
});
const rangeOf = (partition: number, range: Partial<RangeRead> = {}): OwnerQuestion => ({
  store: 'totals',
  partition,
  allowStale: false,
  read: { kind: 'range', limit: 100, ...range },
});

/** What one question finds, as text. */
function found(answer: OwnerAnswer | StreamsError | undefined): unknown {
  if (answer === undefined || answer instanceof StreamsError) return answer?.code;
  return answer.kind === 'rows'
    ? answer.rows.map(text)
    : answer.rows.map(([key, value]) => `${String(text(key))}=${String(text(value))}`);
}

/** What every OwnerReads promises: run it over each implementation. */
export function ownerReadsContract(name: string, start: () => Promise<OwnersUnderTest>): void {
  describe(`OwnerReads contract: ${name}`, () => {
    let owners: OwnersUnderTest;
    const one = async (question: OwnerQuestion, waitMs?: number): Promise<OwnerAnswer | StreamsError> =>
      (await owners.reads.ask([question], waitMs ?? LONG_MS))[0] as OwnerAnswer | StreamsError;

    beforeEach(async () => {
      owners = await start();
    });
    afterEach(() => owners.close());

    test('answers come in the order of the questions, with the position of each partition', async () => {
      const first = await owners.commit(0, [
        ['a', '1'],
        ['b', '2'],
      ]);
      const second = await owners.commit(1, [['c', '3']]);
      const answers = await owners.reads.ask([rowsOf(1, ['c', 'a']), rowsOf(0, ['b', 'x', 'a']), rangeOf(1)], LONG_MS);
      expect(answers.map(found)).toEqual([['3', null], ['2', null, '1'], ['c=3']]);
      expect(answers.map((answer) => (answer as OwnerAnswer).position)).toEqual([second, first, second]);
      expect(answers.every((answer) => !(answer as OwnerAnswer).stale)).toBe(true);
      expect(await owners.reads.ask([])).toEqual([]);
    });

    test('a change and a deletion move the position and are in the rows', async () => {
      const before = await owners.commit(0, [['a', '1']]);
      const after = await owners.commit(0, [
        ['a', null],
        ['b', '2'],
      ]);
      expect(after).toBeGreaterThan(before);
      const answer = await one(rowsOf(0, ['a', 'b']));
      expect([found(answer), (answer as OwnerAnswer).position]).toEqual([[null, '2'], after]);
    });

    test('a range is read in both directions, page by page, and by the rest of its keys', async () => {
      await owners.commit(
        0,
        ['ax', 'ay', 'bx', 'by', 'cx'].map((key) => [key, key.toUpperCase()]),
      );
      const pages = async (range: Partial<RangeRead>): Promise<unknown[]> => {
        const seen: unknown[] = [];
        for (let at: Uint8Array | undefined, page = 0; page < 10; page += 1) {
          const on = at === undefined ? {} : range.reverse === true ? { to: at } : { from: at };
          const answer = (await one(rangeOf(0, { ...range, ...on }))) as RangeAnswer;
          seen.push(found(answer));
          at = answer.next;
          if (at === undefined) break;
        }
        return seen;
      };
      expect(await pages({ from: bytes('ay'), to: bytes('cx') })).toEqual([['ay=AY', 'bx=BX', 'by=BY']]);
      expect(await pages({ limit: 2 })).toEqual([['ax=AX', 'ay=AY'], ['bx=BX', 'by=BY'], ['cx=CX']]);
      expect(await pages({ limit: 2, reverse: true })).toEqual([['cx=CX', 'by=BY'], ['bx=BX', 'ay=AY'], ['ax=AX']]);
      expect(await pages({ from: bytes('ay'), to: bytes('by'), reverse: true })).toEqual([['bx=BX', 'ay=AY']]);
      expect(await pages({ rest: { at: 1, bytes: bytes('x') } })).toEqual([['ax=AX', 'bx=BX', 'cx=CX']]);
      expect(await pages({ rest: { at: 0, tail: 1, bytes: bytes('b') }, reverse: true })).toEqual([['by=BY', 'bx=BX']]);
      expect(await pages({ from: bytes('d') })).toEqual([[]]);
    });

    test('a standby answers with what it has, and says so; who does not allow it waits in vain', async () => {
      const seen = await owners.commit(0, [['a', '1']]);
      await owners.follow(0);
      await owners.commit(0, [['a', '2']]);
      owners.hold(0, 'standby');
      const answer = (await one(rowsOf(0, ['a'], { allowStale: true }))) as OwnerAnswer;
      expect([found(answer), answer.stale, answer.position]).toEqual([['1'], true, seen]);
      const refused = await one(rowsOf(0, ['a']), 50);
      expect(refused).toMatchObject({ code: 'STORE_NOT_HERE', partition: 0 });
    });

    test('an answer waits until it has seen minPosition, and others do not wait for it', async () => {
      const position = await owners.commit(0, [['a', '1']]);
      const late = owners.reads.ask([rowsOf(0, ['a'], { minPosition: position + 1 })], LONG_MS);
      expect(found(await one(rowsOf(0, ['a'], { minPosition: position })))).toEqual(['1']);
      await owners.commit(0, [['a', '2']]);
      expect((await late).map(found)).toEqual([['2']]);
      expect(await one(rowsOf(0, ['a'], { minPosition: position + 10 }), 50)).toMatchObject({
        code: 'STORE_NOT_HERE',
      });
    });

    test('a partition that moves is asked at its new place; one that nobody has is an error in its own', async () => {
      await owners.commit(0, [['a', '1']]);
      await owners.commit(1, [['b', '2']]);
      owners.hold(0, 'nobody');
      expect((await owners.reads.ask([rowsOf(0, ['a']), rowsOf(1, ['b'])], 1_000)).map(found)).toEqual([
        'STORE_NOT_HERE',
        ['2'],
      ]);
      const moved = owners.reads.ask([rowsOf(0, ['a']), rowsOf(1, ['b'])], LONG_MS);
      owners.hold(0, 'active');
      expect((await moved).map(found)).toEqual([['1'], ['2']]);
    });

    test('rows come in the order of a field, in both directions, page by page, as commits change them', async () => {
      const value = (n: unknown): string => JSON.stringify({ n });
      await owners.commit(0, [
        ['d', value(2)],
        ['a', value(-1.5)],
        ['c', value(10)],
        ['b', value(2)],
        ['f', value(null)],
        ['e', '"no object"'],
      ]);
      const inOrder = async (also: Partial<OrderRead> = {}): Promise<string> => {
        const keys: (string | null)[] = [];
        for (let next: Partial<OrderRead> | null = {}; next !== null;) {
          const read: OrderRead = {
            ...{ kind: 'order', field: 'n', type: 'number', descending: false, limit: 2 },
            ...also,
          };
          const answer = await one({ ...rowsOf(0, []), read: { ...read, ...next } });
          if (answer instanceof StreamsError || answer.kind !== 'order') throw new Error(String(answer));
          keys.push(...answer.rows.map(([key]) => text(key)));
          next = answer.next === undefined ? null : { at: answer.next };
        }
        return keys.join('');
      };
      expect(await inOrder()).toBe('abdcef');
      expect(await inOrder({ descending: true })).toBe('cbdaef');
      expect(await inOrder({ after: { value: 2, key: bytes('b') } })).toBe('dcef');
      expect(await inOrder({ descending: true, after: { value: 2, key: bytes('c') } })).toBe('daef');
      expect(await inOrder({ after: { value: null, key: bytes('e') } })).toBe('f');
      expect(await inOrder({ from: bytes('b'), to: bytes('e') })).toBe('bdc');
      const position = await owners.commit(0, [
        ['a', value(3)],
        ['d', null],
        ['f', value(-7)],
        ['g', value(2.5)],
        ['g', value(1e300)],
      ]);
      expect(await inOrder()).toBe('fbacge');
      expect(await inOrder({ descending: true })).toBe('gcabfe');
      const last = await one({
        ...rowsOf(0, []),
        read: { kind: 'order', field: 'n', type: 'number', descending: true, limit: 1 },
      });
      expect(last).toMatchObject({ kind: 'order', position, stale: false });
      expect(found(last)).toEqual([`g=${value(1e300)}`]);
    });

    test.each([
      ['text', ['', '\u0000', '\u0000b', 'a', 'a\u0000', 'a\u0001', 'aa', 'b', '\ud83d\ude00', '\uffff']],
      ['bigint', ['-100', '-99', -7, 0, '1', 9, '10', '123456789012345678901']],
      ['boolean', [false, true]],
      ['instant', ['1969-12-31T23:59:59Z', '2026-01-01T00:00:00+01:00', '2026-01-01T00:00:00Z']],
      ['number', [-1e300, -2, -1.5, -1e-300, 0, 1e-300, 1, 1.5, 256, 65_536, 1e300]],
    ] as const)('%s is in its own order', async (type, values) => {
      const keyed = values.map((n, at): [string, string] => [String.fromCharCode(98 + at), JSON.stringify({ n })]);
      await owners.commit(0, [...keyed.toReversed(), ['a', '{}']]);
      const keys = keyed.map(([key]) => key);
      for (const descending of [false, true]) {
        const read: OrderRead = { kind: 'order', field: 'n', type, descending, limit: 100 };
        const answer = await one({ ...rowsOf(0, []), read });
        const wanted = [...(descending ? keys.toReversed() : keys), 'a'];
        expect([descending, (found(answer) as string[]).map((row) => row[0])]).toEqual([descending, wanted]);
      }
    });

    test('a limit that is none is refused', async () => {
      expect(await one(rangeOf(0, { limit: 0 }))).toMatchObject({ code: 'CONFIG_INVALID' });
    });

    test('closed, it answers nothing more', async () => {
      await owners.commit(0, [['a', '1']]);
      owners.hold(0, 'nobody');
      const open = owners.reads.ask([rowsOf(0, ['a'])]);
      owners.reads.close();
      expect((await open).map(found)).toEqual(['STORE_NOT_HERE']);
      owners.hold(0, 'active');
      expect(found(await one(rowsOf(0, ['a'])))).toBe('STORE_NOT_HERE');
    });
  });
}
