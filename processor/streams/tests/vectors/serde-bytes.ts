import {
  bigint64Serde,
  booleanSerde,
  float64Serde,
  int32Serde,
  int64Serde,
  sessionWindowedSerde,
  stringSerde,
  timeWindowedSerde,
  uuidSerde,
  type Serde,
} from '../../index.ts';

/** The bytes that Java serializers made of values in kafka-streams 4.4.0. */
export interface SerdeBytes {
  readonly serializer: string;
  readonly value: unknown;
  readonly hex: string;
  readonly serde: Serde<unknown>;
}

function bytesOf<T>(serializer: string, serde: Serde<T>, rows: readonly (readonly [T, string])[]): SerdeBytes[] {
  return rows.map(([value, hex]) => ({ serializer, value, hex, serde: serde as Serde<unknown> }));
}

export const SERDE_BYTES: readonly SerdeBytes[] = [
  ...bytesOf('StringSerializer', stringSerde, [
    ['', ''],
    ['Grüße 😀', '4772c3bcc39f6520f09f9880'],
  ]),
  ...bytesOf('BooleanSerializer', booleanSerde, [
    [true, '01'],
    [false, '00'],
  ]),
  ...bytesOf('IntegerSerializer', int32Serde, [
    [0, '00000000'],
    [1, '00000001'],
    [-1, 'ffffffff'],
    [423412424, '193cc2c8'],
    [-41243432, 'fd8aacd8'],
    [2 ** 31 - 1, '7fffffff'],
    [-(2 ** 31), '80000000'],
  ]),
  ...bytesOf('LongSerializer', int64Serde, [
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ]),
  ...bytesOf('LongSerializer', bigint64Serde, [
    [922337203685477580n, '0ccccccccccccccc'],
    [-922337203685477581n, 'f333333333333333'],
    [2n ** 63n - 1n, '7fffffffffffffff'],
    [-(2n ** 63n), '8000000000000000'],
  ]),
  ...bytesOf('DoubleSerializer', float64Serde, [
    [0, '0000000000000000'],
    [-0, '8000000000000000'],
    [5678567.12312, '4155a979c7e132b5'],
    [-5678567.12341, 'c155a979c7e5f30e'],
    [Infinity, '7ff0000000000000'],
    [NaN, '7ff8000000000000'],
    [Number.MIN_VALUE, '0000000000000001'],
  ]),
  ...bytesOf('UUIDSerializer', uuidSerde, [
    [
      '0f14d0ab-9605-4a62-a9e4-5ed26688389b',
      '30663134643061622d393630352d346136322d613965342d356564323636383833383962',
    ],
  ]),
  ...bytesOf('TimeWindowedSerializer of text', timeWindowedSerde(stringSerde, 50), [
    [{ key: 'key', startMs: 50, endMs: 100 }, '6b65790000000000000032'],
  ]),
  ...bytesOf('TimeWindowedSerializer of numbers', timeWindowedSerde(int64Serde, 60_000), [
    [{ key: 7, startMs: 1_767_225_600_000, endMs: 1_767_225_660_000 }, '00000000000000070000019b76daa800'],
  ]),
  ...bytesOf('SessionWindowedSerializer of text', sessionWindowedSerde(stringSerde), [
    [{ key: 'key', startMs: 50, endMs: 100 }, '6b657900000000000000640000000000000032'],
    [{ key: '', startMs: 0, endMs: 0 }, '00000000000000000000000000000000'],
  ]),
];
