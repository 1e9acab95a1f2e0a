import { serialized } from './user-code.ts';
import type { JoinSide } from './graph.ts';
import type { Serde } from './serdes.ts';

/** A record of one of two streams that has met nothing yet. */
export interface UnmatchedRecord {
  readonly side: JoinSide;
  readonly value: unknown;
}

const SIDES: readonly JoinSide[] = ['right', 'left'];

/** One byte for the side, then the value. */
export function unmatchedSerde(left: Serde<unknown>, right: Serde<unknown>): Serde<UnmatchedRecord> {
  return {
    serialize: ({ side, value }) =>
      Buffer.concat([
        Buffer.from([SIDES.indexOf(side)]),
        serialized((side === 'left' ? left : right).serialize(value)),
      ]),
    deserialize: (bytes) => {
      const side = SIDES[bytes[0] ?? -1];
      if (side === undefined) throw new TypeError('the first byte of an unmatched record is 0 or 1');
      return { side, value: (side === 'left' ? left : right).deserialize(bytes.subarray(1)) };
    },
  };
}
