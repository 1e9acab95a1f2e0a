import { float64Serde, int32Serde, int64Serde, stringSerde } from '@tributary/streams';
import { z } from 'zod';

import { TEXTS } from './fields.ts';

/** One key that records have. */
export interface KeyValue {
  readonly bytes: Buffer;
  /** As clients give it and see it. */
  readonly shown: unknown;
  /** As it stands in ids. */
  readonly text: string;
  readonly sort: string | number | bigint | boolean;
}

/** A type of keys. */
export interface KeyKind {
  readonly kind: string;
  /** As the option `key` takes it. */
  readonly type: unknown;
  /** Its name in GraphQL; null for an enum, which is named after its table. */
  readonly typeName: string | null;
  readonly hasPrefix: boolean;
  readonly operators: readonly string[];
  readonly keys: readonly KeyValue[];
  /** What is no key of this type. */
  readonly unreadable: readonly Buffer[];
}

const NUMBERS = ['eq', 'in', 'lt', 'lte', 'gt', 'gte', 'isNull'];
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

function written(size: number, write: (bytes: Buffer) => unknown): Buffer {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return bytes;
}

const ofText = (text: string): KeyValue => ({ bytes: utf8(text), shown: text, text, sort: text });
const ofNumber = (number: number, bytes: Buffer): KeyValue => ({
  bytes,
  shown: number,
  text: String(number),
  sort: number,
});
const int32 = (number: number): KeyValue =>
  ofNumber(
    number,
    written(4, (bytes) => bytes.writeInt32BE(number)),
  );
const int64 = (number: number): KeyValue =>
  ofNumber(
    number,
    written(8, (bytes) => bytes.writeBigInt64BE(BigInt(number))),
  );

const NOT_UTF8 = Buffer.from([0xc3, 0x28]);

export const KEY_KINDS: readonly KeyKind[] = [
  {
    kind: 'text',
    type: z.string(),
    typeName: 'String',
    hasPrefix: true,
    operators: TEXTS,
    keys: [
      '',
      'a',
      'a:1',
      'ab',
      'ä',
      'A\u0308',
      '\0',
      '"\n\\',
      '𝄞',
      '\uFFEE',
      '__proto__',
      '1:2:3',
      ' ',
      '\uFEFFa',
    ].map(ofText),
    unreadable: [NOT_UTF8],
  },
  {
    kind: 'int32',
    type: { type: z.int32(), serde: int32Serde },
    typeName: 'Int',
    hasPrefix: false,
    operators: NUMBERS,
    keys: [-(2 ** 31), -1, 0, 1, 2, 0x21ff0001, 2 ** 31 - 1].map(int32),
    unreadable: [Buffer.from([1, 2, 3])],
  },
  {
    kind: 'int64',
    type: { type: z.int(), serde: int64Serde },
    typeName: 'SafeInt',
    hasPrefix: false,
    operators: NUMBERS,
    keys: [Number.MIN_SAFE_INTEGER, -1, 0, 1, 2, Number.MAX_SAFE_INTEGER].map(int64),
    unreadable: [Buffer.from([1, 2, 3]), Buffer.alloc(8, 0x7f)],
  },
  {
    kind: 'count',
    type: { type: z.int().min(0), serde: int64Serde },
    typeName: 'Count',
    hasPrefix: false,
    operators: NUMBERS,
    keys: [0, 1, 2, 255, 256].map(int64),
    unreadable: [int64(-1).bytes],
  },
  {
    kind: 'bigint',
    type: z.bigint(),
    typeName: 'BigInt',
    hasPrefix: false,
    operators: NUMBERS,
    keys: [-(2n ** 63n), -1n, 0n, 3n, 2n ** 63n - 1n].map((number) => ({
      bytes: written(8, (bytes) => bytes.writeBigInt64BE(number)),
      shown: String(number),
      text: String(number),
      sort: number,
    })),
    unreadable: [Buffer.alloc(7)],
  },
  {
    kind: 'float64',
    type: { type: z.number(), serde: float64Serde },
    typeName: 'Float',
    hasPrefix: false,
    operators: NUMBERS,
    keys: [-1.5, 0, 0.1, 1e21, 2].map((number) =>
      ofNumber(
        number,
        written(8, (bytes) => bytes.writeDoubleBE(number)),
      ),
    ),
    unreadable: [written(8, (bytes) => bytes.writeDoubleBE(Number.NaN))],
  },
  {
    kind: 'boolean',
    type: z.boolean(),
    typeName: 'Boolean',
    hasPrefix: false,
    operators: ['eq', 'isNull'],
    keys: [true, false].map((flag) => ({
      bytes: Buffer.from([flag ? 1 : 0]),
      shown: flag,
      text: String(flag),
      sort: flag,
    })),
    unreadable: [Buffer.from([7])],
  },
  {
    kind: 'enum',
    type: z.enum(['DE', 'fr', 'X_1']),
    typeName: null,
    hasPrefix: false,
    operators: ['eq', 'in', 'isNull'],
    keys: ['DE', 'fr', 'X_1'].map(ofText),
    unreadable: [utf8('IT')],
  },
  {
    kind: 'day',
    type: z.iso.date(),
    typeName: 'Date',
    hasPrefix: false,
    operators: NUMBERS,
    keys: ['2026-01-31', '2026-02-01', '1999-12-31'].map(ofText),
    unreadable: [utf8('2026-13-01')],
  },
  {
    kind: 'uuid',
    type: { type: z.uuid(), serde: stringSerde },
    typeName: 'String',
    hasPrefix: true,
    operators: TEXTS,
    keys: ['3f0c1c5e-6f3b-4f5b-8a3c-0d7c2f1a9b10', '3f0c1c5e-6f3b-4f5b-8a3c-0d7c2f1a9b11'].map(ofText),
    unreadable: [utf8('3f0c')],
  },
];
