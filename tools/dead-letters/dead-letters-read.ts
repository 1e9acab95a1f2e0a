import type { Environment } from '../../processor/logins/environment.ts';
import { CODE, hasCode, KafkaCluster } from '@tributary/streams/operations';
import { connectionOf, silentLogger, type Terminal } from '../command-line/command-line.ts';
import type { DeadLettersArguments, Selection } from './dead-letters-arguments.ts';
import { letterJson, letterText, safeText, summaryJson, summaryTable, type Summary } from './dead-letters-text.ts';
import {
  deadLetterOf,
  markerKey,
  readMarkers,
  redrivenTopic,
  scanTopic,
  type DeadLetter,
} from './dead-letters-topic.ts';
import { UserError } from '../command-line/user-error.ts';

type Asked<C extends DeadLettersArguments['command']> = Extract<DeadLettersArguments, { readonly command: C }>;

/** Runs work on a connection that ends with it. */
export async function withCluster<T>(
  environment: Environment,
  role: string,
  work: (cluster: KafkaCluster) => Promise<T>,
): Promise<T> {
  const connection = connectionOf(environment);
  const cluster = new KafkaCluster(
    { ...connection, clientId: `${connection.clientId}-dead-letters-${role}` },
    silentLogger,
  );
  try {
    await cluster.connect();
    return await work(cluster);
  } finally {
    await cluster.disconnect();
  }
}

export function isChosen(letter: DeadLetter, { ids, reason, fromMs }: Selection): boolean {
  if (ids.length > 0) return ids.includes(letter.id);
  return (reason === null || letter.reason === reason) && (fromMs === null || letter.timestampMs >= fromMs);
}

/** Nothing was ever redriven where there is no such topic. */
export async function markersIfAny(cluster: KafkaCluster, deadLetterTopic: string): Promise<Map<string, string>> {
  try {
    await cluster.track([redrivenTopic(deadLetterTopic)]);
  } catch (error) {
    if (hasCode(error, CODE.UNKNOWN_TOPIC_OR_PARTITION)) return new Map();
    throw error;
  }
  return readMarkers(cluster, deadLetterTopic);
}

/** @throws UserError, and what kafkajs throws */
export function listDeadLetters(
  { selection, limit, json }: Asked<'list'>,
  environment: Environment,
  { output }: Terminal,
): Promise<number> {
  const { deadLetterTopic } = environment;
  return withCluster(environment, 'list', async (cluster) => {
    const markers = await markersIfAny(cluster, deadLetterTopic);
    const newest = new Newest(limit);
    const byReason = new Map<string, number>();
    let chosen = 0;
    let redriven = 0;
    await scanTopic(cluster, deadLetterTopic, (record) => {
      const letter = deadLetterOf(record);
      if (!isChosen(letter, selection)) return;
      const redrivenAt = markers.get(markerKey(letter)) ?? null;
      chosen += 1;
      if (redrivenAt !== null) redriven += 1;
      byReason.set(letter.reason, (byReason.get(letter.reason) ?? 0) + 1);
      newest.add(letter.partition, {
        id: letter.id,
        origin: letter.origin,
        reason: letter.reason,
        timestampMs: letter.timestampMs,
        sizeBytes: letter.cut?.valueBytes ?? letter.value?.length ?? null,
        redrivenAt,
      });
    });
    const summaries = newest.inOrder();
    if (json) {
      for (const summary of summaries) output.write(summaryJson(summary));
      return 0;
    }
    if (chosen > 0) output.write(summaryTable(summaries));
    const of = [...byReason]
      .sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => `${String(count)} ${safeText(Buffer.from(reason)) || 'without a reason'}`);
    const cut = chosen > summaries.length ? `; the newest ${String(summaries.length)} are shown (--limit)` : '';
    output.write(
      chosen === 0
        ? `${deadLetterTopic} has no such dead letter\n`
        : `${String(chosen)} dead letters in ${deadLetterTopic} (${of.join(', ')}), ${String(redriven)} of them ` +
            `redriven${cut}\n`,
    );
    return 0;
  });
}

/** @throws UserError, and what kafkajs throws */
export function showDeadLetter(
  { id, json }: Asked<'show'>,
  environment: Environment,
  { output }: Terminal,
): Promise<number> {
  const { deadLetterTopic } = environment;
  return withCluster(environment, 'show', async (cluster) => {
    const markers = await markersIfAny(cluster, deadLetterTopic);
    let found = false;
    await scanTopic(
      cluster,
      deadLetterTopic,
      (record) => {
        const letter = deadLetterOf(record);
        found = true;
        const redrivenAt = markers.get(markerKey(letter)) ?? null;
        output.write(json ? letterJson(letter, redrivenAt) : letterText(letter, redrivenAt));
      },
      { only: { partition: Number(id.split(':')[0]), offset: Number(id.split(':')[1]) } },
    );
    if (!found)
      throw new UserError(
        'NO_SUCH_DEAD_LETTER',
        `${deadLetterTopic} has no dead letter ${id}: npm run dead-letters -- list shows those that there are`,
      );
    return 0;
  });
}

/** The newest so many of all partitions, each partition's in order. */
class Newest {
  readonly #limit: number;
  readonly #partitions = new Map<number, Summary[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(partition: number, summary: Summary): void {
    let kept = this.#partitions.get(partition);
    if (kept === undefined) this.#partitions.set(partition, (kept = []));
    kept.push(summary);
    // Cut now and then: once for each record would be slow.
    if (kept.length >= 2 * this.#limit) kept.splice(0, kept.length - this.#limit);
  }

  inOrder(): Summary[] {
    return [...this.#partitions.values()]
      .flat()
      .sort((a, b) => a.timestampMs - b.timestampMs)
      .slice(-this.#limit);
  }
}
