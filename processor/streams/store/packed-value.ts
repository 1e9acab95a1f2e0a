import { canChange } from '../topology/own-values.ts';
import { serialized, settled } from '../topology/user-code.ts';
import type { Serde } from '../topology/serdes.ts';

/** An uncommitted value as bytes: no caller holds an object that could still change it. */
export class Packed {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** A value of the caller's own. */
  open<V>(serde: Serde<V>): V {
    // A serde may hand out the bytes themselves.
    return serde.deserialize(Buffer.from(this.bytes));
  }
}

/** A value as it is now: what cannot be changed as it is, all else as bytes. */
export function packed<V>(serde: Serde<V>, value: V | Packed): V | Packed {
  if (value instanceof Packed || !canChange(value)) return value;
  return new Packed(serialized(serde.serialize(settled(value))));
}
