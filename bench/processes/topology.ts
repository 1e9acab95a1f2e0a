import { KafkaStreams } from '@tributary/streams';
import { quiet } from '../quiet.ts';

/** What `bench/tributary-side.ts` asks for, as JSON in the only argument. */
export interface TopologyProcessOptions {
  /** File URL. */
  readonly topologyModule: string;
  readonly inputTopic: string;
  readonly deadLetterTopic: string;
  readonly brokers: string;
  readonly applicationId: string;
  readonly stateDir: string;
  readonly guarantee: 'exactly_once' | 'at_least_once';
  readonly threads: number;
  readonly commitIntervalMs: number;
  /** How old what it says of its lag may be, 100 by default: for throughput, where it is asked when all is done. */
  readonly statusIntervalMs?: number;
  /** Other processes that have it may ask for the rows of the stores. */
  readonly queryToken?: string;
  /** For the topology, besides the topics. */
  readonly job?: Readonly<Record<string, string | number>>;
}

const TELL_INTERVAL_MS = 100;

const options = JSON.parse(process.argv[2] as string) as TopologyProcessOptions;
const streams = new KafkaStreams({
  topologyModule: new URL(options.topologyModule),
  topologyOptions: { inputTopic: options.inputTopic, deadLetterTopic: options.deadLetterTopic, ...options.job },
  connection: { brokers: [options.brokers], clientId: options.applicationId },
  logger: { ...quiet, warn: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`) },
  config: {
    applicationId: options.applicationId,
    stateDir: options.stateDir,
    processingGuarantee: options.guarantee,
    numStreamThreads: options.threads,
    commitIntervalMs: options.commitIntervalMs,
    statusIntervalMs: options.statusIntervalMs ?? TELL_INTERVAL_MS,
  },
  ...(options.queryToken === undefined
    ? {}
    : { queryListener: { host: '127.0.0.1', port: 0, token: options.queryToken } }),
  creatableTopics: { [options.deadLetterTopic]: { partitions: 1 } },
});
const tell = (message: object): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};
streams.onState((state) => {
  tell({ state });
  if (state === 'ERROR') process.exitCode = 1;
});
const timer = setInterval(() => {
  const { tasks } = streams.status();
  tell({
    lag: tasks.reduce((sum, task) => sum + task.lag, 0),
    running: tasks.length > 0 && tasks.every((task) => task.state === 'RUNNING'),
  });
}, TELL_INTERVAL_MS);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    clearInterval(timer);
    void streams.close().then(() => process.exit(0));
  });
}
await streams.start();
