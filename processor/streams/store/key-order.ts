import type { StoreChange } from './state-store.ts';

/** Fewer are written as they come. */
const FEW = 32;
/** A change's place is kept below 32 bits of its key, in a number of 53. */
const MOST = 1 << 21;
const KEY_BYTES = 4;

/**
 * Places of the changes, those of one store roughly in the order of their keys: by the first bytes in which they
 * differ. LevelDB takes such a batch at half the cost, as each row goes beside the one before. Undefined: too few.
 */
export function keyOrder(changes: readonly StoreChange[]): Uint32Array | undefined {
  if (changes.length < FEW || changes.length >= MOST) return undefined;
  const order = new Uint32Array(changes.length);
  for (let from = 0; from < changes.length;) {
    const { store } = changes[from] as StoreChange;
    const first = bytesOf(changes[from] as StoreChange);
    const firstAt = placeOf(changes[from] as StoreChange);
    let common = lengthOf(changes[from] as StoreChange);
    let to = from + 1;
    for (; to < changes.length && (changes[to] as StoreChange).store === store; to += 1) {
      const change = changes[to] as StoreChange;
      const bytes = bytesOf(change);
      const keyAt = placeOf(change);
      common = Math.min(common, lengthOf(change));
      for (let at = 0; at < common; at += 1) if (bytes[keyAt + at] !== first[firstAt + at]) common = at;
    }
    const sorted = new Float64Array(to - from);
    for (let place = from; place < to; place += 1) {
      const change = changes[place] as StoreChange;
      const bytes = bytesOf(change);
      const end = placeOf(change) + lengthOf(change);
      let at = placeOf(change) + common;
      let start = 0;
      for (let nth = 0; nth < KEY_BYTES; nth += 1, at += 1)
        start = start * 0x100 + (at < end ? (bytes[at] as number) : 0);
      sorted[place - from] = start * MOST + place;
    }
    sorted.sort();
    for (let nth = 0; nth < sorted.length; nth += 1) order[from + nth] = (sorted[nth] as number) % MOST;
    from = to;
  }
  return order;
}

/** Where a change's key lies. */
function bytesOf(change: StoreChange): Uint8Array {
  return change.row?.bytes ?? change.key;
}

function placeOf(change: StoreChange): number {
  return change.row?.at ?? 0;
}

function lengthOf(change: StoreChange): number {
  return change.row?.keyBytes ?? change.key.length;
}
