import type { Environment } from '../../processor/logins/environment.ts';
import { StreamsError } from '@tributary/streams';
import { KafkaCluster, NO_INPUT, type OutgoingRecord, TransactionalProducer } from '@tributary/streams/operations';
import { connectionOf, silentLogger } from '../command-line/command-line.ts';
import { markerKey, readMarkers, redrivenTopic, type DeadLetter } from './dead-letters-topic.ts';

const MOST_PER_TRANSACTION = 200;
const MOST_BYTES_PER_TRANSACTION = 4 * 1024 * 1024;
const TRANSACTION_TIMEOUT_MS = 60_000;
const INIT_TIMEOUT_MS = 90_000;

/**
 * Writes dead letters to the input topic, each at most once ever. With each goes, in the same transaction, a marker
 * that it was redriven. All redrives of a dead-letter topic share one transactional id, so whoever opens a producer
 * shuts out the one before; markers are read after that fence, and what has one is not sent.
 */
export class RedriveProducer {
  /** How many this one has put into the input topic, for good. */
  redriven = 0;
  /** Ids of those that the input topic does not take. */
  readonly tooLarge: string[] = [];
  readonly #environment: Environment;
  /** Reads the markers. */
  readonly #cluster: KafkaCluster;
  #opened: Opened;
  #waiting: DeadLetter[] = [];
  #waitingBytes = 0;

  private constructor(environment: Environment, cluster: KafkaCluster, opened: Opened) {
    this.#environment = environment;
    this.#cluster = cluster;
    this.#opened = opened;
  }

  /** The topic of the markers must exist. @throws StreamsError, UserError, and what kafkajs throws */
  static async open(environment: Environment, cluster: KafkaCluster): Promise<RedriveProducer> {
    return new RedriveProducer(environment, cluster, await openProducer(environment, cluster));
  }

  /** As of when this one was opened. */
  isRedriven(letter: DeadLetter): boolean {
    return this.#opened.markers.has(markerKey(letter));
  }

  /** Sends it with the next transaction. Its bytes are copied: they need not outlive the call. */
  async add(letter: DeadLetter): Promise<void> {
    const { key, value } = letter;
    this.#waiting.push({
      ...letter,
      key: copyOf(key),
      value: copyOf(value),
      headers: letter.headers.map(([name, content]) => [name, copyOf(content)]),
    });
    this.#waitingBytes += (key?.length ?? 0) + (value?.length ?? 0);
    if (this.#waiting.length >= MOST_PER_TRANSACTION || this.#waitingBytes >= MOST_BYTES_PER_TRANSACTION)
      await this.flush();
  }

  /** @throws StreamsError; the outcome of the last transaction may be unknown then */
  async flush(): Promise<void> {
    const letters = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (letters.length > 0) await this.#send(letters);
  }

  async close(): Promise<void> {
    await this.#opened.producer.close();
  }

  async #send(candidates: readonly DeadLetter[]): Promise<void> {
    const { producer, markers } = this.#opened;
    const letters = candidates.filter((letter) => !markers.has(markerKey(letter)));
    if (letters.length === 0) return;
    try {
      await producer.send(letters.flatMap((letter) => this.#records(letter)));
      await producer.commit(NO_INPUT);
      this.redriven += letters.length;
    } catch (error) {
      if (!(error instanceof StreamsError) || error.code !== 'RECORD_TOO_LARGE') throw error;
      await this.#replaceProducer();
      if (letters.length === 1) this.tooLarge.push(...letters.map(({ id }) => id));
      // One at a time, to find out which.
      else for (const letter of letters) await this.#send([letter]);
    }
  }

  #records(letter: DeadLetter): OutgoingRecord[] {
    const { inputTopic, deadLetterTopic } = this.#environment;
    const partition = (letter.origin?.partition ?? 0) % this.#opened.inputPartitions;
    const marker = JSON.stringify({ deadLetter: letter.id, origin: letter.origin, to: inputTopic });
    return [
      {
        topic: inputTopic,
        partition,
        key: letter.key,
        value: letter.value,
        headers: letter.headers,
        codec: letter.codec,
      },
      {
        topic: redrivenTopic(deadLetterTopic),
        partition: 0,
        key: Buffer.from(markerKey(letter)),
        value: Buffer.from(marker),
      },
    ];
  }

  /**
   * A producer that saw an error is never used again; the new one aborts what it left open. Another redrive may have
   * come between the two, so the markers are read anew.
   */
  async #replaceProducer(): Promise<void> {
    await this.#opened.producer.abort();
    await this.#opened.producer.close();
    this.#opened = await openProducer(this.#environment, this.#cluster);
  }
}

interface Opened {
  readonly producer: TransactionalProducer;
  readonly inputPartitions: number;
  /** As of after the fence. */
  readonly markers: ReadonlyMap<string, string>;
}

async function openProducer(environment: Environment, reader: KafkaCluster): Promise<Opened> {
  const { inputTopic, deadLetterTopic } = environment;
  const connection = connectionOf(environment);
  const transactionalId = `${deadLetterTopic}-redrive`;
  const cluster = new KafkaCluster(
    { ...connection, clientId: `${connection.clientId}-${transactionalId}` },
    silentLogger,
  );
  let producer: TransactionalProducer | undefined;
  try {
    await cluster.track([inputTopic, redrivenTopic(deadLetterTopic)]);
    const inputPartitions = cluster.partitionCount(inputTopic);
    // What a restarted broker left open of the last redrive would hide its markers, and come to light with this one.
    const outputs = [
      { topic: redrivenTopic(deadLetterTopic), partition: 0 },
      ...Array.from({ length: inputPartitions }, (_, partition) => ({ topic: inputTopic, partition })),
    ];
    producer = new TransactionalProducer(cluster, {
      transactionalId,
      groupId: transactionalId,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
      outputs,
    });
    await producer.init(AbortSignal.timeout(INIT_TIMEOUT_MS));
    // Not before the fence: whoever redrove until then has left its markers or will never commit.
    return { producer, inputPartitions, markers: await readMarkers(reader, deadLetterTopic) };
  } catch (error) {
    await (producer === undefined ? cluster.disconnect() : producer.close());
    throw error;
  }
}

function copyOf(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
