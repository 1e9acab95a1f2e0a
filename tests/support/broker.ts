import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KafkaConnectionConfig } from '@tributary/streams';
import {
  formatLocalKafka,
  newClusterId,
  startLocalKafka,
  type LocalKafka,
  type LocalKafkaOptions,
} from '../../tools/local-kafka/local-kafka.ts';
import { jarCacheDir, kafkaClassPath } from '../../tools/local-kafka/local-kafka-jars.ts';
import type { LocalKafkaNode } from '../../tools/local-kafka/local-kafka-properties.ts';
import { testPort } from './test-port.ts';
import { createTopics, type TestTopic } from './topics.ts';

export interface TestBrokerOptions {
  /** Java's `-Xmx`, 512m by default. */
  readonly heap?: string;
  /** Broker properties that win over those of the local broker. */
  readonly properties?: Readonly<Record<string, string>>;
  /** One node of several: tests/support/broker-cluster.ts. */
  readonly node?: LocalKafkaNode;
  readonly otherListeners?: NonNullable<LocalKafkaOptions['otherListeners']>;
  readonly formatArguments?: readonly string[];
  /** How the name of its directory begins. */
  readonly directoryPrefix?: string;
}

/**
 * A test's broker lives for seconds: the second compiler, and a collector with threads of its own, would cost more than
 * they save.
 */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** A controller that stands alone need not tell twice a second that it lives: half of what an idle node costs. */
const ALONE = { 'metadata.max.idle.interval.ms': '0' };

/** A real Kafka that belongs to one test file: on a port of its own, with a directory of its own. */
export interface TestBroker {
  /** `host:port`, the same after a restart. */
  readonly brokers: string[];
  readonly connection: KafkaConnectionConfig;
  readonly port: number;
  /** Of the running broker: another one after `restart`. */
  readonly pid: number;
  readonly logFile: string;
  /** Makes topics and waits until each partition has a leader. */
  createTopics(...topics: readonly (string | TestTopic)[]): Promise<void>;
  /** Takes the broker away cleanly and keeps its directory. */
  shutDown(): Promise<void>;
  /** kill -9. Resolves when the process is gone; its directory stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and directory; ends it cleanly first if it still runs. */
  restart(): Promise<void>;
  /** Stops every process of the broker's group where it stands (SIGSTOP), as a hung machine would; `thaw` ends it. */
  freeze(): void;
  thaw(): void;
  /**
   * Transactional ids of which Kafka itself has counted a transaction as complete without its markers (KAFKA-20734), as
   * it says in its log: what was acknowledged may be gone. A broker that stands alone does that while it shuts down,
   * and its partitions have no leader any more.
   */
  lostMarkers(): Promise<readonly string[]>;
  /** Copies the broker's logs, its own and the topics', into a directory: evidence that outlives `stop`. */
  keepEvidence(directory: string): Promise<void>;
  /** The end: stops the broker and removes its directory. */
  stop(): Promise<void>;
}

/** Of the brokers before a restart. */
const EARLIER_LOGS = 'earlier-brokers.log';
const LOST_MARKERS =
  /Couldn't find leader endpoint for partitions .* while trying to send transaction markers for ([^,\s]+)/g;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Whether a broker has left its archive of loaded classes: it halves the start of all others. */
export const hasClassArchive = async (): Promise<boolean> =>
  (await readdir(jarCacheDir)).some((name) => name.endsWith('.jsa'));

/** Storage that was formatted once, for every broker to begin with a copy of it. */
async function formattedStorage(): Promise<string> {
  const key = createHash('sha256')
    .update(await kafkaClassPath(quiet))
    .digest('hex')
    .slice(0, 16);
  const kept = join(jarCacheDir, `formatted-${key}`);
  if (existsSync(kept)) return kept;
  const fresh = await mkdtemp(join(jarCacheDir, 'formatting-'));
  await formatLocalKafka(fresh, quiet);
  // Another process may have been quicker: then its copy serves.
  await rename(fresh, kept).catch(() => rm(fresh, { recursive: true, force: true }));
  return kept;
}

/**
 * Starts a broker in 1 to 2 s. Call it in `beforeAll` and `stop()` in `afterAll`; should the test process die before
 * that, the broker ends by itself. KAFKA_BROKERS is ignored: a test never touches anybody's topics.
 */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const dataDir = await mkdtemp(join(tmpdir(), options.directoryPrefix ?? 'tributary-broker-'));
  const port = await testPort();
  const node = { id: 1, clusterId: newClusterId(), controllerPorts: new Map([[1, await testPort()]]) };
  // A node of several has an id and a cluster of its own, and users of its own are written while it is formatted.
  if (options.node === undefined && options.formatArguments === undefined)
    await cp(join(await formattedStorage(), 'kafka', 'log'), join(dataDir, 'kafka', 'log'), { recursive: true });
  const properties = { ...(options.node === undefined ? ALONE : {}), ...options.properties };
  const start = (): Promise<LocalKafka> =>
    startLocalKafka({ dataDir, port, log: quiet, javaFlags: SHORT_LIVED, node, ...options, properties });
  let kafka = await start().catch(async (error: unknown) => {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  });
  const brokers = [...kafka.brokers];
  return {
    brokers,
    connection: { brokers, clientId: 'test' },
    port,
    get pid() {
      return kafka.pid;
    },
    get logFile() {
      return kafka.logFile;
    },
    createTopics: (...topics) => createTopics(brokers, ...topics),
    shutDown: () => kafka.stop(),
    kill: async () => {
      kafka.kill('SIGKILL');
      await kafka.exited;
    },
    restart: async () => {
      await kafka.stop();
      await appendFile(join(dataDir, EARLIER_LOGS), await readFile(kafka.logFile));
      kafka = await start();
    },
    freeze: () => kafka.kill('SIGSTOP'),
    thaw: () => kafka.kill('SIGCONT'),
    lostMarkers: async () => {
      const logs = [join(dataDir, EARLIER_LOGS), kafka.logFile].map((file) => readFile(file, 'utf8').catch(() => ''));
      return (await Promise.all(logs)).flatMap((log) => [...log.matchAll(LOST_MARKERS)].map(([, id]) => String(id)));
    },
    keepEvidence: (directory) => cp(dataDir, directory, { recursive: true }),
    stop: async () => {
      kafka.kill('SIGCONT');
      // Its directory goes with it: it need not stop cleanly, unless it is the first, which then leaves its archive of
      // classes to all others.
      if (await hasClassArchive()) kafka.kill('SIGKILL');
      await kafka.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
