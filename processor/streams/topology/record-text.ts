import type { ConsumerRecord } from './record.ts';

/** What a record has that still lies in the bytes which were fetched (kafka/fetched-record.ts). */
interface WithTexts {
  keyText(): string | null;
  valueText(): string | null;
}

/** The value as UTF-8 text, where it can be without a buffer of its own; null for a null value. */
export function valueTextOf(record: ConsumerRecord): string | null {
  const { valueText } = record as ConsumerRecord & Partial<WithTexts>;
  return valueText === undefined ? (record.value?.toString('utf8') ?? null) : valueText.call(record);
}

/** Its value is Kafka's null: found without a view of the value, where it can be. */
export function hasNoValue(record: ConsumerRecord): boolean {
  const { valueLength, unreadable } = record as ConsumerRecord & { readonly valueLength?: number };
  // What is left of a record that was cut lies elsewhere.
  return valueLength === undefined || unreadable !== undefined ? record.value === null : valueLength < 0;
}

/** The same of the key. Bytes that are no text have U+FFFD in it. */
export function keyTextOf(record: ConsumerRecord): string | null {
  const { keyText } = record as ConsumerRecord & Partial<WithTexts>;
  return keyText === undefined ? (record.key?.toString('utf8') ?? null) : keyText.call(record);
}
