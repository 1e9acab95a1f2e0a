import type { ConsumerRecord, KafkaConnectionConfig } from '@tributary/streams';
import { changelogTopic, compareStores, repartitionTopic } from '@tributary/streams/operations';
import {
  add,
  BUCKET_WINDOWS,
  bucketOf,
  BUCKETS,
  bucketsTopic,
  BY_BUCKET,
  echoTopic,
  eventTimeOf,
  NOTHING_YET,
  parseEchoRecord,
  RUNNING,
  runningTopic,
  WINDOW_MS,
  type Running,
} from './echo-topology.ts';
import { committedOffsets } from './group-progress.ts';
import { tableDifference } from './table-difference.ts';
import { HangingTransactionError, readTopic, type ReadTopic } from './topic-reader.ts';

export interface EchoOracleOptions {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  readonly input: string;
  readonly stateDir: string;
}

/**
 * The verdict on an echo run, in the manner of Kafka's own EosTestDriver: every output is replayed record by record
 * from the input, so that one record lost, doubled or reordered in the middle shows, and not only a wrong total.
 * Answers what is wrong, one sentence each. Call it when everything is processed and no processor runs.
 */
export async function verifyEcho({ connection, applicationId, input, stateDir }: EchoOracleOptions): Promise<string[]> {
  const problems: string[] = [];
  const read = async (topic: string): Promise<ReadTopic> => {
    try {
      return await readTopic(connection, topic);
    } catch (error) {
      if (!(error instanceof HangingTransactionError)) throw error;
      problems.push(error.message);
      return { partitions: [], ends: [] };
    }
  };
  const changelog = (store: string): Promise<ReadTopic> => read(changelogTopic(applicationId, store));
  const [inputs, echo, running, buckets, runningLog, bucketsLog, windowsLog] = await Promise.all([
    read(input),
    read(echoTopic(input)),
    read(runningTopic(input)),
    read(bucketsTopic(input)),
    changelog(RUNNING),
    changelog(BUCKETS),
    changelog(BUCKET_WINDOWS),
    read(repartitionTopic(applicationId, BY_BUCKET)),
  ]);

  const committed = await committedOffsets(connection, applicationId);
  for (const [partition, end] of inputs.ends.entries()) {
    const at = committed.get(`${input}-${String(partition)}`) ?? 0;
    if (at !== end)
      problems.push(`the group stands at ${String(at)} of ${input}-${String(partition)}, which ends at ${String(end)}`);
  }

  for (const [partition, records] of inputs.partitions.entries()) {
    const expected = expectedOutputs(records);
    problems.push(...firstDifference(`echo-${String(partition)}`, expected.echo, texts(echo.partitions[partition])));
    problems.push(
      ...firstDifference(`running-${String(partition)}`, expected.running, texts(running.partitions[partition])),
    );
    problems.push(
      ...tableDifference(
        `changelog running-${String(partition)}`,
        expected.rows,
        table(runningLog.partitions[partition] ?? [], keyText),
      ),
    );
  }

  const all = inputs.partitions.flat().map(({ value }) => parseEchoRecord(String(value)).number);
  const totals = new Map<string, Running>();
  const windows = new Map<string, Running>();
  for (const number of all) {
    const bucket = bucketOf(number);
    const window = `${bucket}@${String(Math.floor(eventTimeOf(number) / WINDOW_MS) * WINDOW_MS)}`;
    totals.set(bucket, add(totals.get(bucket) ?? NOTHING_YET, number));
    windows.set(window, add(windows.get(window) ?? NOTHING_YET, number));
  }
  problems.push(...tableDifference('changelog buckets', totals, table(bucketsLog.partitions.flat(), keyText)));
  problems.push(
    ...tableDifference('changelog bucket-windows', windows, table(windowsLog.partitions.flat(), windowKeyText)),
  );
  problems.push(...tableDifference('topic buckets', totals, table(buckets.partitions.flat(), keyText)));
  problems.push(...buckets.partitions.flatMap((records) => backwardSteps(records)));

  problems.push(
    ...(await compareStores(stateDir, applicationId, [
      { store: RUNNING, topic: changelogTopic(applicationId, RUNNING), ...runningLog },
      { store: BUCKETS, topic: changelogTopic(applicationId, BUCKETS), ...bucketsLog },
      { store: BUCKET_WINDOWS, topic: changelogTopic(applicationId, BUCKET_WINDOWS), ...windowsLog },
    ])),
  );
  return problems;
}

/** At least once: every input is echoed, in an order that has every record's first echo behind those before it. */
export function missingEchoes(inputs: ReadTopic, echo: ReadTopic): string[] {
  return inputs.partitions.flatMap((records, partition) => {
    const echoed = new Set(texts(echo.partitions[partition]));
    return records.flatMap((record) =>
      echoed.has(textOf(record)) ? [] : [`lost: ${textOf(record)} of partition ${String(partition)}`],
    );
  });
}

const textOf = ({ key, value }: ConsumerRecord): string => `${String(key)}=${String(value)}`;
const texts = (records: readonly ConsumerRecord[] | undefined): string[] => (records ?? []).map(textOf);
const keyText = (key: Buffer): string => key.toString();
/** Window keys are eight bytes of time, then the key; what is reserved has no such form. */
const windowKeyText = (key: Buffer): string | null =>
  key[0] === '!'.charCodeAt(0) ? null : `${key.toString('utf8', 8)}@${String(key.readBigUInt64BE(0))}`;

function expectedOutputs(records: readonly ConsumerRecord[]): {
  echo: string[];
  running: string[];
  rows: Map<string, Running>;
} {
  const rows = new Map<string, Running>();
  const running = records.map(({ key, value }) => {
    const next = add(rows.get(String(key)) ?? NOTHING_YET, parseEchoRecord(String(value)).number);
    rows.set(String(key), next);
    return `${String(key)}=${JSON.stringify(next)}`;
  });
  return { echo: texts(records), running, rows };
}

/** The first record that differs, and what became of it: a list of thousands of consequences helps nobody. */
function firstDifference(name: string, expected: readonly string[], found: readonly string[]): string[] {
  const at = expected.findIndex((text, index) => text !== found[index]);
  if (at < 0 && found.length === expected.length) return [];
  const index = at < 0 ? expected.length : at;
  const what =
    found.indexOf(found[index] ?? '') < index
      ? 'doubled'
      : found.includes(expected[index] ?? '')
        ? 'out of order'
        : 'lost or wrong';
  return [
    `${name}: record ${String(index)} of ${String(expected.length)} is ${String(found[index])} and not ` +
      `${String(expected[index])} (${what}); ${String(found.length)} records in all`,
  ];
}

function table(records: readonly ConsumerRecord[], keyOf: (key: Buffer) => string | null): Map<string, Running> {
  const rows = new Map<string, Running>();
  for (const { key, value } of records) {
    const text = key === null ? null : keyOf(key);
    if (text === null) continue;
    if (value === null) rows.delete(text);
    else rows.set(text, JSON.parse(value.toString()) as Running);
  }
  return rows;
}

/** Between two commits a total only grows: a step back is a commit that was done upon an older state. */
function backwardSteps(records: readonly ConsumerRecord[]): string[] {
  const counts = new Map<string, number>();
  for (const record of records) {
    const { count } = JSON.parse(String(record.value)) as Running;
    const key = String(record.key);
    const before = counts.get(key) ?? 0;
    if (count <= before)
      return [
        `topic buckets: ${key} went from ${String(before)} to ${String(count)} at offset ${String(record.offset)}`,
      ];
    counts.set(key, count);
  }
  return [];
}
