import { copyBytes } from '../copy-bytes.ts';
import type { RowChange } from './row-change.ts';

/**
 * The key space of one task's LevelDB: `<store name>\0<key>` for data. A store name has no byte below `-`, so no data
 * key is taken for a reserved one (runtime-rows.ts), and the entries of one store are together: from `<name>\0` up to
 * `<name>\x01`.
 */
const STORE_NAME = /^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,248}$/;

const prefixes = new Map<string, Buffer>();

export function isStoreName(name: unknown): boolean {
  return typeof name === 'string' && STORE_NAME.test(name);
}

/** @throws TypeError for a name that is not a legal Kafka topic part (letters, digits, `.`, `_`, `-`). */
export function storePrefix(store: string): Buffer {
  let prefix = prefixes.get(store);
  if (prefix === undefined) {
    if (!isStoreName(store)) {
      throw new TypeError(
        `"${store}" is not a store name: use letters, digits, ".", "_" and "-", at most 249, no "." first`,
      );
    }
    prefix = Buffer.from(`${store}\0`, 'latin1');
    prefixes.set(store, prefix);
  }
  return prefix;
}

export function dataKey(store: string, key: Buffer): Buffer {
  const prefix = storePrefix(store);
  const whole = Buffer.allocUnsafe(prefix.length + key.length);
  copyBytes(prefix, 0, prefix.length, whole, 0);
  copyBytes(key, 0, key.length, whole, prefix.length);
  return whole;
}

const scratch = Buffer.allocUnsafeSlow(1_024);
/** Of each length, from the start of `scratch`. */
const views: Buffer[] = [];
/** Whose bytes `scratch` begins with. */
let scratchPrefix: Buffer | undefined;

/** The same, for one use at once: the next call may change its bytes. The key is in `key`, from `at` on. */
export function passingDataKey(store: string, key: Buffer, at = 0, keyBytes = key.length): Buffer {
  const prefix = storePrefix(store);
  if (prefix.length + keyBytes > scratch.length) return dataKey(store, key.subarray(at, at + keyBytes));
  const view = passingView(prefix, keyBytes);
  copyBytes(key, at, keyBytes, view, prefix.length);
  return view;
}

/** The same of a change's key. */
export function passingKeyOf({ store, bytes, at, keyBytes }: RowChange): Buffer {
  return passingDataKey(store, bytes, at, keyBytes);
}

/** The same of a key whose bytes are those of an ASCII text; undefined: it is another one, or long. */
export function passingTextKey(store: string, key: unknown): Buffer | undefined {
  const prefix = storePrefix(store);
  if (typeof key !== 'string' || prefix.length + key.length > scratch.length) return undefined;
  const view = passingView(prefix, key.length);
  for (let at = 0; at < key.length; at += 1) {
    const code = key.charCodeAt(at);
    if (code > 0x7f) return undefined;
    view[prefix.length + at] = code;
  }
  return view;
}

/** It begins with the prefix. */
function passingView(prefix: Buffer, keyBytes: number): Buffer {
  if (prefix !== scratchPrefix) {
    scratch.set(prefix, 0);
    scratchPrefix = prefix;
  }
  const length = prefix.length + keyBytes;
  return (views[length] ??= scratch.subarray(0, length));
}

/** The first key after every key of the store. */
export function storeEnd(store: string): Buffer {
  const end = Buffer.from(storePrefix(store));
  end[end.length - 1] = 1;
  return end;
}
