/*
 * Rows that the runtime keeps beside those of the user. This is the one place that knows how to tell them apart:
 * stores, test driver, restore, standbys and API ask here.
 *
 *   where                                  key                     what
 *   a store and its changelog              21 FF "stream-time"     the watermark of a task and what it is made of
 *                                          21 FF "step-time"       stream time of the step that has the store
 *   the same, before that convention       "!stream-time",         the same; still read, moved with the next commit
 *                                          00 "stream-time"
 *   the LevelDB of a task, and nowhere     "!committed"            offsets and digest
 *   else: its data begins with the name    "!identity"             whose store it is
 *   of a store, which has no "!"           "!status"               by whom it was opened last
 *   the status topic                       "!application"          what the application is; else keys are process ids
 *   the offsets topic                      a task's id             where its input stands; there are no other rows
 *
 * FF is in no UTF-8 text, so no key that is text begins with 21 FF. The key of a window store begins with eight bytes
 * of time, the first of which is 0. Other keys may begin so, such as the number 570,359,809 in four bytes: a row is the
 * runtime's only where all of its key is.
 */
const FIRST = 0x21;
const SECOND = 0xff;

/** Where a task keeps its watermark: in a window store, or in any store when it hands the watermark on. */
export const STREAM_TIME_KEY = Buffer.concat([Buffer.from([FIRST, SECOND]), Buffer.from('stream-time', 'latin1')]);

/** Where a step keeps the stream time that is its own: in its store. */
export const STEP_TIME_KEY = Buffer.concat([Buffer.from([FIRST, SECOND]), Buffer.from('step-time', 'latin1')]);

const RUNTIME_KEYS: readonly Buffer[] = [STREAM_TIME_KEY, STEP_TIME_KEY];

/** Whether a row of a store or changelog is the runtime's own, to be left out of what a user sees. */
export function isRuntimeRow(key: Uint8Array): boolean {
  // mutant: runtime-row
  return key[0] === FIRST && key[1] === SECOND && RUNTIME_KEYS.some((one) => one.equals(key));
}

/** Of a key that begins there: false is certain. */
export function mayBeRuntimeRow(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === FIRST && bytes[at + 1] === SECOND;
}

/**
 * Where releases before this convention kept the watermark. In a key-value store it may be a key of the user's: the
 * reader looks at the value, too.
 */
export function formerStreamTimeKey(kind: 'key-value' | 'window'): Buffer {
  return Buffer.from(kind === 'window' ? '!stream-time' : '\0stream-time', 'latin1');
}

/** Keys of a task's LevelDB that are no data (store/reserved-records.ts has their contents). */
export const RESERVED_KEYS = {
  committed: Buffer.from('!committed', 'latin1'),
  identity: Buffer.from('!identity', 'latin1'),
  status: Buffer.from('!status', 'latin1'),
} as const;

/** Whether a key of a task's LevelDB, whole, is no data. */
export function isReservedKey(key: Uint8Array): boolean {
  return key[0] === FIRST;
}

/** Key of the application's own record among the reports of instances on the status topic. */
export const APPLICATION_RECORD_KEY = '!application';
