/*
 * Rows of the runtime's own in the stores and changelogs of the user. This is the one place that knows them: stores,
 * driver, restore, standby and API ask here.
 *
 * Their keys begin with the bytes 21 FF. FF is in no UTF-8 text, so no key of a key-value store begins so; the key of a
 * window store begins with eight bytes of time, the first of which is 0.
 */
const FIRST = 0x21;
const SECOND = 0xff;

function runtimeKey(name: string): Buffer {
  return Buffer.concat([Buffer.from([FIRST, SECOND]), Buffer.from(name, 'latin1')]);
}

/** Stream time of the task: in a window store, or in any store of a task that hands it on. */
export const STREAM_TIME_KEY = runtimeKey('stream-time');

/** Whether a row of a store or changelog is the runtime's own, to be left out of what a user sees. */
export function isRuntimeRow(key: Uint8Array): boolean {
  // mutant: runtime-row
  return key[0] === FIRST && key[1] === SECOND;
}

/**
 * Where releases before this convention kept stream time. It is still read, and moved to `STREAM_TIME_KEY` with the
 * next commit. In a key-value store it may be a key of the user's: who reads it looks at the value, too.
 */
export function formerStreamTimeKey(kind: 'key-value' | 'window'): Buffer {
  return Buffer.from(kind === 'window' ? '!stream-time' : '\0stream-time', 'latin1');
}
