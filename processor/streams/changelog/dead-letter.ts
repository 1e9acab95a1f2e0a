import type { ConsumerRecord, DeadLetter, HeaderList } from '../topology/record.ts';
import type { OutgoingRecord } from './streams-producer.ts';

/** Kafka Streams' own header names (KIP-1034), beside the record's original headers. */
export const DEAD_LETTER_HEADERS = {
  reason: '__streams.errors.exception',
  message: '__streams.errors.message',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
} as const;

const OWN_NAMES: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

/** A dead letter's headers without those that say why and whence it came: the original's. */
export function originalHeaders(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !OWN_NAMES.has(name));
}

/** The dead-lettered record: original key, bytes and headers, and why and whence it came. */
export function deadLetterRecord(record: ConsumerRecord, letter: DeadLetter, topic: string, partitions: number): OutgoingRecord {
  const text = (value: string | number): Buffer => Buffer.from(String(value), 'utf8');
  return {
    topic,
    partition: record.partition % partitions,
    key: record.key,
    value: record.value,
    headers: [
      ...originalHeaders(record.headerList ?? Object.entries(record.headers)),
      [DEAD_LETTER_HEADERS.reason, text(letter.reason)],
      [DEAD_LETTER_HEADERS.message, text(letter.message)],
      [DEAD_LETTER_HEADERS.topic, text(record.topic)],
      [DEAD_LETTER_HEADERS.partition, text(record.partition)],
      [DEAD_LETTER_HEADERS.offset, text(record.offset)],
    ],
  };
}
