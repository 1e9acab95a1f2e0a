import { formerStreamTimeKey, isRuntimeRow } from '../store/runtime-rows.ts';
import { NO_TIME, TIME_BYTES, timedBytes, timeOf, untimed } from '../store/timed-row.ts';
import { decodeWatermark } from '../task/watermark.ts';
import type { HeaderList } from '../topology/record.ts';

/*
 * What a changelog says of a row, and what the store has of it on disk. They differ in timed stores: the changelog has
 * the plain value, as others may read it, and the row's time in a header.
 */

/** 8 bytes (f64, big-endian) of event time. A record of before the store was timed has none. */
const TIME_HEADER = 'time';

const FORMER_KEYS = [formerStreamTimeKey('key-value'), formerStreamTimeKey('window')];

/** A row of a timed store as its changelog has it. `stored`: as it is on disk; null: it is deleted. */
export function loggedRow(key: Buffer, stored: Buffer | null): { value: Buffer | null; headers?: HeaderList } {
  if (stored === null || isRuntimeRow(key)) return { value: stored };
  return { value: untimed(stored), headers: [[TIME_HEADER, stored.subarray(0, TIME_BYTES)]] };
}

/** The opposite: what a timed store has on disk of a record of its changelog. */
export function storedRow(key: Buffer, value: Buffer | null, headers: HeaderList | undefined): Buffer | null {
  if (value === null || isRuntimeRow(key)) return value;
  const time = headers?.findLast(([name]) => name === TIME_HEADER)?.[1] ?? null;
  // mutant: times-restored
  if (time?.length === TIME_BYTES) return timedBytes(timeOf(time), value);
  // Of a release that knew no times: the row of stream time had another key then.
  const isFormer = FORMER_KEYS.some((former) => former.equals(key)) && decodeWatermark(value) !== undefined;
  return isFormer ? value : timedBytes(NO_TIME, value);
}
