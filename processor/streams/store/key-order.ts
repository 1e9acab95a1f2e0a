import type { RowChange } from './row-change.ts';

/** Fewer are written as they come. */
const FEW = 32;
/** A change's place is kept below 32 bits of its key, in a number of 53. */
const MOST = 1 << 21;
const KEY_BYTES = 4;

/**
 * Places of the changes, those of one store roughly in the order of their keys: by the first bytes in which they
 * differ. LevelDB takes such a batch at half the cost, as each row goes beside the one before. Undefined: too few.
 */
export function keyOrder(changes: readonly RowChange[]): Uint32Array | undefined {
  if (changes.length < FEW || changes.length >= MOST) return undefined;
  const order = new Uint32Array(changes.length);
  for (let from = 0; from < changes.length;) {
    const first = changes[from] as RowChange;
    let common = first.keyBytes;
    let to = from + 1;
    for (; to < changes.length && (changes[to] as RowChange).store === first.store; to += 1) {
      const { bytes, at: keyAt, keyBytes } = changes[to] as RowChange;
      common = Math.min(common, keyBytes);
      for (let at = 0; at < common; at += 1) if (bytes[keyAt + at] !== first.bytes[first.at + at]) common = at;
    }
    const sorted = new Float64Array(to - from);
    for (let place = from; place < to; place += 1) {
      const { bytes, at: keyAt, keyBytes } = changes[place] as RowChange;
      let start = 0;
      for (let at = common; at < common + KEY_BYTES; at += 1)
        start = start * 0x100 + (at < keyBytes ? (bytes[keyAt + at] as number) : 0);
      sorted[place - from] = start * MOST + place;
    }
    sorted.sort();
    for (let nth = 0; nth < sorted.length; nth += 1) order[from + nth] = (sorted[nth] as number) % MOST;
    from = to;
  }
  return order;
}
