import { createRequire } from 'node:module';
import type kafkajsTypes from 'kafkajs';

/**
 * A limit: kafkajs' own consumer over a topic, once, without state or commit. Arguments as JSON: the package's
 * directory, brokers, topic, group, how many records there are, and whether each is parsed. One process stands for one
 * thread.
 */
export interface KafkajsConsumerOptions {
  readonly packageDirectory: string;
  readonly brokers: string;
  readonly topic: string;
  readonly partitions: number;
  readonly groupId: string;
  readonly records: number;
  readonly parse: boolean;
}

const FETCH_WAIT_MS = 100;
const BYTES_PER_PARTITION = 1024 * 1024;

const options = JSON.parse(process.argv[2] as string) as KafkajsConsumerOptions;
const { Kafka, logLevel } = createRequire(import.meta.url)(options.packageDirectory) as typeof kafkajsTypes;
const consumer = new Kafka({
  brokers: [options.brokers],
  clientId: options.groupId,
  logLevel: logLevel.ERROR,
}).consumer({
  groupId: options.groupId,
  maxWaitTimeInMs: FETCH_WAIT_MS,
  maxBytesPerPartition: BYTES_PER_PARTITION,
});
await consumer.connect();
await consumer.subscribe({ topic: options.topic, fromBeginning: true });
let records = 0;
let startedAt = 0;
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: true,
  eachBatch: async ({ batch }) => {
    startedAt ||= performance.now();
    if (options.parse) {
      for (const { value } of batch.messages) {
        if ((JSON.parse(value?.toString() ?? '') as { locale?: string }).locale === undefined)
          throw new Error('a login without locale');
      }
    }
    records += batch.messages.length;
    if (records < options.records) return;
    const { user, system } = process.cpuUsage();
    const usage = {
      records,
      seconds: (performance.now() - startedAt) / 1_000,
      peakRssMiB: process.resourceUsage().maxRSS / 1_024,
      cpuSeconds: (user + system) / 1e6,
    };
    process.stdout.write(`${JSON.stringify(usage)}\n`);
    process.exit(0);
  },
});
