import { cutHeaders, CutPart, KEPT_BYTES } from '../kafka/cut-record.ts';
import type { ConsumerRecord, DeadLetter, HeaderList, WholeRecord } from '../topology/record.ts';
import type { OutgoingRecord } from './streams-producer.ts';

/** Kafka Streams' own header names (KIP-1034), beside the record's original headers. */
export const DEAD_LETTER_HEADERS = {
  reason: '__streams.errors.exception',
  message: '__streams.errors.message',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
} as const;

/**
 * On a letter that holds the beginning of its record only: what the whole was, which lies where the headers above say.
 */
export const CUT_HEADERS = {
  valueBytes: '__tributary.cut.value.bytes',
  valueSha256: '__tributary.cut.value.sha256',
  keyBytes: '__tributary.cut.key.bytes',
  keySha256: '__tributary.cut.key.sha256',
  headersLeftOut: '__tributary.cut.headers',
} as const;

const OWN_NAMES: ReadonlySet<string> = new Set([...Object.values(DEAD_LETTER_HEADERS), ...Object.values(CUT_HEADERS)]);

/** A dead letter's headers without those that say why and whence it came: the original's. */
export function originalHeaders(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !OWN_NAMES.has(name));
}

/** Whether the letter with these headers holds its record only in part. */
export function isCut(headers: HeaderList): boolean {
  const names: readonly string[] = Object.values(CUT_HEADERS);
  return headers.some(([name]) => names.includes(name));
}

/** The dead-lettered record: original key, bytes and headers, and why and whence it came. */
export function deadLetterRecord(
  record: ConsumerRecord,
  letter: DeadLetter,
  topic: string,
  partitions: number,
): OutgoingRecord {
  return {
    topic,
    partition: record.partition % partitions,
    key: record.key,
    value: record.value,
    // mutant: codec-of-the-record
    codec: record.codec ?? 0,
    isDeadLetter: true,
    headers: [
      ...originalHeaders(record.headerList ?? Object.entries(record.headers)),
      [DEAD_LETTER_HEADERS.reason, text(letter.reason)],
      [DEAD_LETTER_HEADERS.message, text(letter.message)],
      [DEAD_LETTER_HEADERS.topic, text(record.topic)],
      [DEAD_LETTER_HEADERS.partition, text(record.partition)],
      [DEAD_LETTER_HEADERS.offset, text(record.offset)],
      ...(record.cut === undefined ? [] : cutHeadersOf(record.cut)),
    ],
  };
}

/** The least of a letter that still says what it is about. */
const LEAST_BYTES = { key: 64, value: 256, headers: 0, message: 256 } as const;

/**
 * The same letter with less of its record, where its topic does not take it as it is: first what is kept of any record
 * that is too large, then nearly nothing. Undefined when there is no less, and of a record that is no dead letter.
 */
export function shorterLetter(record: OutgoingRecord): OutgoingRecord | undefined {
  const { key, value, headers = [], isDeadLetter = false } = record;
  if (!isDeadLetter) return undefined;
  const original = originalHeaders(headers);
  const own = headers.filter(([name]) => OWN_NAMES.has(name));
  for (const most of [{ ...KEPT_BYTES, message: Infinity }, LEAST_BYTES]) {
    const parts = {
      key: CutPart.of(key, most.key),
      value: CutPart.of(value, most.value),
      headers: cutHeaders(original, most.headers),
    };
    const cut: WholeRecord = {
      key: parts.key.whole(),
      value: parts.value.whole(),
      headersLeftOut: parts.headers.leftOut,
    };
    const said = own.map(
      ([name, content]) =>
        [name, name === DEAD_LETTER_HEADERS.message ? (content?.subarray(0, most.message) ?? null) : content] as const,
    );
    if (cut.key === null && cut.value === null && cut.headersLeftOut === 0) continue;
    // What was cut before is said already, and by the whole.
    const told = new Set(said.map(([name]) => name));
    return {
      ...record,
      key: parts.key.kept,
      value: parts.value.kept,
      headers: [...parts.headers.kept, ...said, ...cutHeadersOf(cut).filter(([name]) => !told.has(name))],
    };
  }
  return undefined;
}

function cutHeadersOf({ key, value, headersLeftOut }: WholeRecord): HeaderList {
  return [
    ...(value === null
      ? []
      : ([
          [CUT_HEADERS.valueBytes, text(value.bytes)],
          [CUT_HEADERS.valueSha256, text(value.sha256)],
        ] as const)),
    ...(key === null
      ? []
      : ([
          [CUT_HEADERS.keyBytes, text(key.bytes)],
          [CUT_HEADERS.keySha256, text(key.sha256)],
        ] as const)),
    ...(headersLeftOut === 0 ? [] : ([[CUT_HEADERS.headersLeftOut, text(headersLeftOut)]] as const)),
  ];
}

function text(value: string | number): Buffer {
  return Buffer.from(String(value), 'utf8');
}
