import {
  changelogTopic,
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  DATA_QUALITY,
  type StoreName,
} from '../../processor/logins/names.ts';
import type { ConsumerRecord, KafkaConnectionConfig } from '@tributary/streams';
import { readRecord, recount, type Devices, type RawRecord, type StateTotals, type Windows } from './recount.ts';
import { readTopic } from './topic-reader.ts';

/** The numbers of the login application, in plain objects that compare and print well. */
export interface LoginNumbers {
  readonly consumed: number;
  readonly counted: number;
  readonly deadLettered: number;
  readonly deadLetters: Record<string, number>;
  readonly missing: Record<string, number>;
  readonly invalid: Record<string, number>;
  readonly states: Record<string, StateTotals>;
  /** By `<window start> <state>`. */
  readonly minutes: Record<string, Devices>;
  readonly hours: Record<string, Devices>;
}

/** Worked out from the input topic alone. */
export function expectedNumbers(input: readonly RawRecord[], nowMs: number): LoginNumbers {
  const { consumed, counted, deadLettered, deadLetters, missing, invalid, states, minutes, hours } = recount(
    input,
    nowMs,
  );
  return {
    consumed,
    counted,
    deadLettered,
    deadLetters,
    missing,
    invalid,
    states: Object.fromEntries(states),
    minutes: flat(minutes),
    hours: flat(hours),
  };
}

function flat(windows: Windows): Record<string, Devices> {
  return Object.fromEntries(
    [...windows].flatMap(([start, byState]) =>
      [...byState].map(([state, devices]) => [`${String(start)} ${state}`, devices]),
    ),
  );
}

interface StoredCounts extends Devices {
  readonly lastLoginAtMs: number;
}
interface StoredQuality {
  readonly missing: Record<string, number>;
  readonly invalid: Record<string, number>;
  readonly deadLettered: Record<string, number>;
  readonly late: number;
}

/** What the changelogs say, and how many logins were late for the minutes. */
export async function committedNumbers(
  connection: KafkaConnectionConfig,
  applicationId: string,
): Promise<LoginNumbers & { readonly late: number }> {
  const rows = async <T>(store: StoreName, keyOf: (key: Buffer) => string | null): Promise<Map<string, T>> => {
    const { partitions } = await readTopic(connection, changelogTopic(applicationId, store));
    const table = new Map<string, T>();
    for (const { partition, key, value } of partitions.flat()) {
      const text = key === null ? null : keyOf(key);
      if (text === null) continue;
      // The quality of the input has one row in each partition; of all other rows each has one owner.
      const row = store === DATA_QUALITY ? `${text} ${String(partition)}` : text;
      if (value === null) table.delete(row);
      else table.set(row, JSON.parse(value.toString()) as T);
    }
    return table;
  };
  const windowRows = async (store: StoreName): Promise<Record<string, Devices>> => {
    const table = await rows<StoredCounts>(store, (key) =>
      key[0] === '!'.charCodeAt(0) ? null : `${String(key.readBigUInt64BE(0))} ${key.toString('utf8', 8)}`,
    );
    return Object.fromEntries([...table].map(([key, { ios, android, other }]) => [key, { ios, android, other }]));
  };

  const [states, minutes, hours, quality] = await Promise.all([
    rows<StoredCounts>(COUNTS_BY_STATE, String),
    windowRows(COUNTS_BY_STATE_MINUTE),
    windowRows(COUNTS_BY_STATE_HOUR),
    rows<StoredQuality>(DATA_QUALITY, String),
  ]);
  const sum = (of: (row: StoredQuality) => Record<string, number>): Record<string, number> => {
    const total: Record<string, number> = {};
    for (const row of quality.values())
      for (const [name, count] of Object.entries(of(row))) total[name] = (total[name] ?? 0) + count;
    return total;
  };
  const deadLetters = sum((row) => row.deadLettered);
  const counted = [...states.values()].reduce((all, { ios, android, other }) => all + ios + android + other, 0);
  const deadLettered = Object.values(deadLetters).reduce((all, count) => all + count, 0);
  return {
    consumed: counted + deadLettered,
    counted,
    deadLettered,
    deadLetters,
    missing: sum((row) => row.missing),
    invalid: sum((row) => row.invalid),
    states: Object.fromEntries(states),
    minutes,
    hours,
    late: [...quality.values()].reduce((all, row) => all + row.late, 0),
  };
}

const HEADER = '__streams.errors.';

/**
 * What is wrong with the dead-letter topic: each record that cannot be read is there once, as it was, and nothing else.
 */
export function deadLetterProblems(
  input: readonly ConsumerRecord[],
  letters: readonly ConsumerRecord[],
  nowMs: number,
): string[] {
  const problems: string[] = [];
  const found = new Map<string, ConsumerRecord[]>();
  for (const letter of letters) {
    const header = (name: string): string => String(letter.headers[HEADER + name]);
    const place = `${header('topic')}-${header('partition')}@${header('offset')}`;
    found.set(place, [...(found.get(place) ?? []), letter]);
  }
  for (const record of input) {
    const place = `${record.topic}-${String(record.partition)}@${String(record.offset)}`;
    const { deadLetter } = readRecord(record, nowMs);
    const [letter, ...more] = found.get(place) ?? [];
    found.delete(place);
    if (deadLetter === null) {
      if (letter !== undefined) problems.push(`${place} is dead-lettered, and is countable`);
      continue;
    }
    if (letter === undefined) {
      problems.push(`${place} (${deadLetter}) is not dead-lettered`);
      continue;
    }
    if (more.length > 0) problems.push(`${place} is dead-lettered ${String(more.length + 1)} times`);
    if (String(letter.headers[`${HEADER}exception`]) !== deadLetter)
      problems.push(`${place} has the reason ${String(letter.headers[`${HEADER}exception`])} and not ${deadLetter}`);
    if ((letter.headers[`${HEADER}message`]?.length ?? 0) === 0) problems.push(`${place} has no message`);
    if (!sameBytes(letter.key, record.key)) problems.push(`${place} has another key`);
    if (!sameBytes(letter.value, record.value)) problems.push(`${place} has other bytes`);
    for (const [name, value] of Object.entries(record.headers))
      if (!sameBytes(letter.headers[name] ?? null, value)) problems.push(`${place} has lost its header ${name}`);
  }
  problems.push(...[...found.keys()].map((place) => `a dead letter of ${place}, which is no record of the input`));
  return problems;
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
