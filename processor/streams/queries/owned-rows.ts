import type { StateStore, StoreSnapshot } from '../store/state-store.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import { untimed } from '../store/timed-row.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import type { TaskChangelog } from '../task/task-layout.ts';
import type { Serde } from '../topology/serdes.ts';
import type { OrderIndex } from './order-index.ts';
import { OrderIndexes } from './order-indexes.ts';
import type { OrderRead, OwnerAnswer, RangeAnswer, RangeRead, RowsRead } from './owner-reads.ts';
import { PositionWaits } from './position-waits.ts';
import {
  MOST_BYTES,
  MOST_LOOKED_AT,
  MOST_ROWS,
  notRead,
  own,
  type OwnedRead,
  type StoreAnswer,
  type TaskQuestion,
} from './store-question.ts';

/** All rows that are asked for by key are in one answer, or it is refused. */
const MOST_BYTES_BY_KEY = 8 << 20;

/** The store of a task, for as long as it may answer. */
export interface OwnedStore {
  readonly store: StateStore;
  readonly changelog: TaskChangelog;
  /** Of the values of the store. */
  readonly serde: Pick<Serde<unknown>, 'deserialize'>;
  /** Of a standby, or of a task that is being restored. */
  readonly stale: boolean;
}

/** What the tasks of one thread answer to other processes. */
export class OwnedRows {
  readonly #find: (question: TaskQuestion) => OwnedStore | undefined;
  readonly #waits = new PositionWaits();
  readonly #orders = new OrderIndexes();

  /** `find`: as of now; while somebody waits for a position, the task may go. */
  constructor(find: (question: TaskQuestion) => OwnedStore | undefined) {
    this.#find = find;
  }

  /** Undefined: the task is not here, or not to answer. Does not throw. */
  async answer(question: TaskQuestion & OwnedRead): Promise<StoreAnswer | undefined> {
    const { minPosition, gap, waitMs } = question;
    const isOver = (): boolean => {
      const owned = this.#find(question);
      return owned === undefined || positionIn(owned.store.offsets().changelog, owned.changelog, gap) >= minPosition;
    };
    await this.#waits.until(isOver, waitMs);
    const owned = this.#find(question);
    if (owned === undefined) return undefined;
    return question.read.kind === 'order'
      ? this.#inOrder(owned, question, question.read)
      : answerOwned(owned, question, question.read);
  }

  /** Waits until the rows are in order. */
  async #inOrder(owned: OwnedStore, { minPosition, gap }: OwnedRead, read: OrderRead): Promise<StoreAnswer> {
    const { store, changelog, serde, stale } = owned;
    const timed = changelog.timed === true;
    let snapshot: StoreSnapshot | undefined;
    try {
      const index = await this.#orders.of(store, {
        ...{ store: changelog.store, field: read.field, type: read.type, descending: read.descending },
        read: (row) => serde.deserialize(timed ? untimed(row) : row),
      });
      // Another commit may have begun since: what is read in this turn, outside of any, is of one.
      while (store.isCommitting && !index.isLost) await index.settled();
      if (index.isLost) return { kind: 'absent', state: undefined };
      const { keys, next } = keysInOrder(index, read);
      snapshot = store.snapshot();
      const position = positionIn(snapshot.offsets.changelog, changelog, gap);
      if (position < minPosition) return { kind: 'behind', position, stale };
      const values = await snapshot.getMany(changelog.store, keys);
      const rows = keys.flatMap((key, at): (readonly [Uint8Array, Uint8Array])[] => {
        const value = values[at];
        return value === undefined ? [] : [[own(key), own(value)]];
      });
      const answer = { kind: 'order' as const, position, stale, timed, rows, ...(next === undefined ? {} : { next }) };
      return { kind: 'owned', answer };
    } catch (error) {
      return notRead(error);
    } finally {
      await snapshot?.close().catch(() => undefined);
    }
  }
}

async function answerOwned(
  { store, changelog, stale }: OwnedStore,
  { minPosition, gap }: OwnedRead,
  read: RangeRead | RowsRead,
): Promise<StoreAnswer> {
  let snapshot: StoreSnapshot | undefined;
  try {
    snapshot = store.snapshot();
    const position = positionIn(snapshot.offsets.changelog, changelog, gap);
    // mutant: not-before-position
    if (position < minPosition) return { kind: 'behind', position, stale };
    const of = { position, stale, timed: changelog.timed === true };
    if (read.kind === 'range') return { kind: 'owned', answer: await rangeOf(snapshot, changelog.store, read, of) };
    const found = await snapshot.getMany(
      changelog.store,
      read.keys.map((key) => Buffer.from(key)),
    );
    const rows = found.map((row) => (row === undefined ? null : own(row)));
    const bytes = rows.reduce((sum, row) => sum + (row?.length ?? 0), 0);
    if (bytes > MOST_BYTES_BY_KEY) return tooLarge(read, bytes);
    return { kind: 'owned', answer: { kind: 'rows', ...of, rows } };
  } catch (error) {
    return notRead(error);
  } finally {
    await snapshot?.close().catch(() => undefined);
  }
}

/** Of the rows that are asked for, and where to go on. */
function keysInOrder(index: OrderIndex, read: OrderRead): { readonly keys: Buffer[]; readonly next?: string } {
  const { after, at, from, to, limit } = read;
  const [first, end] = [from, to].map((bound) => (bound === undefined ? undefined : latin1(bound)));
  // The first text behind that of the row.
  const begin = at ?? (after === undefined ? undefined : `${index.textOf(after.value, latin1(after.key))}\u0000`);
  const keys: Buffer[] = [];
  let looked = 0;
  for (const text of index.from(begin)) {
    if (keys.length >= Math.min(limit, MOST_ROWS) || looked >= MOST_LOOKED_AT) return { keys, next: text };
    looked += 1;
    const key = index.keyOf(text);
    if ((first === undefined || key >= first) && (end === undefined || key < end))
      keys.push(Buffer.from(key, 'latin1'));
  }
  return { keys };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** How far the changelog is in the rows. */
function positionIn(
  offsets: ReadonlyMap<string, number>,
  { topic, partition }: TaskChangelog,
  gap?: OwnedRead['gap'],
): number {
  const position = offsets.get(topicPartition(topic, partition)) ?? 0;
  return gap !== undefined && position >= gap[0] ? Math.max(position, gap[1]) : position;
}

async function rangeOf(
  snapshot: StoreSnapshot,
  store: string,
  { from, to, rest, reverse = false, limit }: RangeRead,
  of: Pick<OwnerAnswer, 'position' | 'stale' | 'timed'>,
): Promise<RangeAnswer> {
  const rows: (readonly [Uint8Array, Uint8Array])[] = [];
  const [first, end] = [from, to].map((bytes) => (bytes === undefined ? undefined : Buffer.from(bytes)));
  const wanted = rest === undefined ? undefined : Buffer.from(rest.bytes);
  let looked = 0;
  let bytes = 0;
  for await (const [key, value] of snapshot.entries(store, first, end, reverse)) {
    const isFull = rows.length >= Math.min(limit, MOST_ROWS) || looked >= MOST_LOOKED_AT || bytes >= MOST_BYTES;
    looked += 1;
    if (isRuntimeRow(key)) continue;
    if (rest !== undefined && wanted !== undefined) {
      if (!key.subarray(rest.at, key.length - (rest.tail ?? 0)).equals(wanted) && !isFull) continue;
    }
    // `to` is exclusive: the first key behind this one.
    if (isFull) return { kind: 'range', ...of, rows, next: reverse ? own(Buffer.concat([key, ZERO])) : own(key) };
    rows.push([own(key), own(value)]);
    bytes += key.length + value.length;
  }
  return { kind: 'range', ...of, rows };
}

const ZERO = Buffer.from([0]);

function tooLarge({ keys }: RowsRead, bytes: number): StoreAnswer {
  return {
    kind: 'failed',
    code: 'CONFIG_INVALID',
    message:
      `the rows of ${String(keys.length)} keys have ${String(bytes)} bytes, and one answer takes ` +
      `${String(MOST_BYTES_BY_KEY)}: ask for fewer keys at a time`,
  };
}
