import fc from 'fast-check';

import type { KeyValue } from './keys.ts';
import { HOUR_MS, MINUTE_MS, type RandomTable } from './random-table.ts';

export const PARTITIONS = 3;
/** A few minutes after an hour, so that no step of a test passes the end of a window by itself. */
export const BEGIN_MS = Date.UTC(2026, 0, 10, 0, 7);

/** What is written to the topic. */
export interface Written {
  readonly partition: number;
  /** As it lies in the topic. */
  readonly keyBytes: Buffer;
  readonly valueBytes: Buffer | null;
  /** How old the record says it is. */
  readonly ageMs: number;
  /** What it means; null where it has no row: its key cannot be read. */
  readonly row: WrittenRow | null;
}

export interface WrittenRow {
  readonly key: KeyValue;
  readonly startMs: number;
  readonly endMs: number;
  /** Of versioned stores. */
  readonly versionMs: number;
  /** Null: deleted. `unreadable`: there is none that could be shown. */
  readonly value: Readonly<Record<string, unknown>> | 'unreadable' | null;
}

function time(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(ms));
  return bytes;
}

/** A key as the store's changelog has it. */
function storedKey({ layout }: RandomTable, key: Buffer, startMs: number, endMs: number, versionMs: number): Buffer {
  switch (layout.kind) {
    case 'window':
      return Buffer.concat([time(startMs), key]);
    case 'session':
      return Buffer.concat([time(endMs), time(startMs), key]);
    case 'versioned': {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(key.length);
      return Buffer.concat([length, key, time(versionMs)]);
    }
    default:
      return key;
  }
}

/** Once in so many times; else null. */
function seldom<T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

const NO_JSON = ['', '{', 'null', '[]', '"text"', '7', '\u0000'].map((text) => Buffer.from(text));

/** Records of a table: rows, deletions, and what cannot be read; windows out of order, late, and before their time. */
export function anyRecord(table: RandomTable): fc.Arbitrary<Written> {
  const { layout, key, fields } = table;
  const value = fc.record(Object.fromEntries(fields.map(({ name, written }) => [name, written])));
  const plainName = fields.find(({ plain }) => plain !== null)?.name ?? '';
  const advanceMs = layout.kind === 'window' ? layout.advanceMs : 10 * MINUTE_MS;
  const beginMs = BEGIN_MS - (BEGIN_MS % HOUR_MS);
  return fc
    .record({
      keyAt: fc.nat(key.keys.length - 1),
      unreadableKey: seldom(20, fc.constantFrom(...key.unreadable)),
      value: fc.oneof({ weight: 9, arbitrary: value }, { weight: 3, arbitrary: fc.constant(null) }),
      broken: seldom(8, fc.oneof(fc.constantFrom(...NO_JSON), fc.constant('field' as const))),
      steps: fc.integer({ min: -8, max: 4 }),
      length: fc.integer({ min: 0, max: 3 }),
      ageMs: fc.constantFrom(0, 0, 0, 5 * MINUTE_MS, 30 * HOUR_MS, -50 * MINUTE_MS),
    })
    .map(({ keyAt, unreadableKey, value: given, broken, steps, length, ageMs }) => {
      const keyValue = key.keys[keyAt] as KeyValue;
      const startMs = layout.kind === 'window' || layout.kind === 'session' ? beginMs + steps * advanceMs : 0;
      const endMs =
        layout.kind === 'window'
          ? startMs + layout.sizeMs
          : layout.kind === 'session'
            ? startMs + length * advanceMs
            : 0;
      const versionMs = layout.kind === 'versioned' ? beginMs + steps : 0;
      const isBroken = given !== null && broken !== null;
      const text = isBroken
        ? broken === 'field'
          ? Buffer.from(JSON.stringify({ ...given, [plainName]: {} }))
          : broken
        : Buffer.from(JSON.stringify(given));
      return {
        partition: (keyValue.bytes.at(-1) ?? 0) % PARTITIONS,
        keyBytes: storedKey(table, unreadableKey ?? keyValue.bytes, startMs, endMs, versionMs),
        valueBytes: valueBytes(layout.kind === 'versioned', given === null ? null : text),
        ageMs,
        row:
          unreadableKey === null
            ? { key: keyValue, startMs, endMs, versionMs, value: isBroken ? 'unreadable' : given }
            : null,
      };
    });
}

/** A deleted version is a version, too. */
function valueBytes(isVersioned: boolean, text: Buffer | null): Buffer | null {
  if (!isVersioned) return text;
  return text === null ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), text]);
}
