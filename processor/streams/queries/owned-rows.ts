import type { StateStore, StoreSnapshot } from '../store/state-store.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import { topicPartition } from '../kafka/topic-partition.ts';
import type { TaskChangelog } from '../task/task-layout.ts';
import type { OwnerAnswer, RangeAnswer, RangeRead, RowsRead } from './owner-reads.ts';
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
  /** Of a standby, or of a task that is being restored. */
  readonly stale: boolean;
}

/** What the tasks of one thread answer to other processes. */
export class OwnedRows {
  readonly #find: (question: TaskQuestion) => OwnedStore | undefined;
  readonly #waits = new PositionWaits();

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
    return owned === undefined ? undefined : answerOwned(owned, question);
  }
}

async function answerOwned(
  { store, changelog, stale }: OwnedStore,
  { read, minPosition, gap }: OwnedRead,
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
