import type { KeyRange } from './key-range.ts';
import type { OrderRead, OwnerAnswer, RangeRead, RowsRead } from './owner-reads.ts';
import { messageOf, StreamsError, type ErrorCode } from '../errors.ts';
import { isRuntimeRow } from '../store/runtime-rows.ts';
import type { StateStore } from '../store/state-store.ts';
import type { GlobalTables } from '../task/global-tables.ts';
import type { TaskStateName, TaskStatus } from '../task/instance-status.ts';
import type { TaskId } from '../task/task-id.ts';

/*
 * What the main thread asks a stream thread about the stores of its tasks, and what that answers: plain data, so that
 * both cross threads. LevelDB has one owner, so that two tasks never write to one store; everybody else asks it.
 */

interface OfTask {
  readonly taskId: TaskId;
  readonly store: string;
  /** A task that is being restored, and a standby, answer too. */
  readonly stale: boolean;
}

/** What another process asks (owner-reads.ts). */
export interface OwnedRead {
  readonly kind: 'owned';
  readonly read: RowsRead | RangeRead | OrderRead;
  /** Waited for, for so long. */
  readonly minPosition: number;
  readonly waitMs: number;
  /** From the first offset up to the second the changelog is known to hold no committed record. */
  readonly gap?: readonly [from: number, to: number];
}

export type TaskQuestion = OfTask &
  (
    | { readonly kind: 'get'; readonly key: Uint8Array }
    | ({ readonly kind: 'scan' } & KeyRange)
    | { readonly kind: 'count' }
    | OwnedRead
  );
/** About a global table, of which each thread has all rows: the row of this key, or all. */
export interface GlobalQuestion {
  readonly kind: 'global';
  readonly store: string;
  readonly key?: Uint8Array;
}
export type StoreQuestion = { readonly kind: 'tasks' } | GlobalQuestion | TaskQuestion;

export type StoreAnswer =
  | { readonly kind: 'tasks'; readonly tasks: readonly Pick<TaskStatus, 'id' | 'role' | 'state'>[] }
  /** The thread does not have the task, or it is in this state. */
  | { readonly kind: 'absent'; readonly state: TaskStateName | undefined }
  | { readonly kind: 'value'; readonly value: Uint8Array | null }
  /** `next`: where to go on; undefined at the end. */
  | {
      readonly kind: 'rows';
      readonly rows: readonly (readonly [Uint8Array, Uint8Array])[];
      readonly next: Uint8Array | undefined;
    }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'owned'; readonly answer: OwnerAnswer }
  /** The rows have not got to `minPosition`. */
  | { readonly kind: 'behind'; readonly position: number; readonly stale: boolean }
  /** Values as they are: a global table keeps no bytes of them. */
  | { readonly kind: 'global'; readonly rows: readonly (readonly [key: Uint8Array, value: unknown])[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** So much goes into one answer: the thread has records to process. */
export const MOST_ROWS = 1_000;
export const MOST_LOOKED_AT = 20_000;
export const MOST_BYTES = 1 << 20;

/** Answers from the committed rows. Does not throw. */
export async function answerFrom(store: StateStore, question: Exclude<TaskQuestion, OwnedRead>): Promise<StoreAnswer> {
  try {
    switch (question.kind) {
      case 'get': {
        const value = store.get(question.store, Buffer.from(question.key));
        return { kind: 'value', value: value === undefined ? null : own(value) };
      }
      case 'scan':
        return await scan(store, question.store, question);
      case 'count': {
        let count = 0;
        for await (const [key] of store.entries(question.store)) if (!isRuntimeRow(key)) count += 1;
        return { kind: 'count', count };
      }
    }
  } catch (error) {
    return notRead(error);
  }
}

export function notRead(error: unknown): StoreAnswer {
  // A store that was closed meanwhile says so with an error of no code.
  if (!(error instanceof StreamsError)) return { kind: 'absent', state: undefined };
  return { kind: 'failed', code: error.code, message: messageOf(error) };
}

async function scan(store: StateStore, name: string, { from, to, rest }: KeyRange): Promise<StoreAnswer> {
  const rows: (readonly [Uint8Array, Uint8Array])[] = [];
  const bytesOf = (bytes: Uint8Array | undefined): Buffer | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes);
  const wanted = rest === undefined ? undefined : Buffer.from(rest.bytes);
  let looked = 0;
  let bytes = 0;
  for await (const [key, value] of store.entries(name, bytesOf(from), bytesOf(to))) {
    if (rows.length >= MOST_ROWS || looked >= MOST_LOOKED_AT || bytes >= MOST_BYTES)
      return { kind: 'rows', rows, next: own(key) };
    looked += 1;
    if (isRuntimeRow(key)) continue;
    if (rest !== undefined && wanted !== undefined) {
      if (!key.subarray(rest.at, key.length - (rest.tail ?? 0)).equals(wanted)) continue;
    }
    rows.push([own(key), own(value)]);
    bytes += key.length + value.length;
  }
  return { kind: 'rows', rows, next: undefined };
}

/** Does not throw. */
export function answerGlobal(tables: GlobalTables, { store, key }: GlobalQuestion): StoreAnswer {
  try {
    if (key === undefined)
      return {
        kind: 'global',
        rows: (tables.entries(store) ?? []).map(({ keyBytes, value }) => [own(keyBytes), value]),
      };
    const row = tables.rowOf(store, Buffer.from(key));
    return { kind: 'global', rows: row === undefined ? [] : [[key, row.value]] };
  } catch (error) {
    return { kind: 'failed', code: 'USER_CODE_FAILED', message: messageOf(error) };
  }
}

/** By itself: with a part of a larger buffer all of it would cross. */
export function own(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes);
}
