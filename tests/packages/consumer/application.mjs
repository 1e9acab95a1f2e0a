// An application on a broker: two stream threads, each a worker of the package's own JavaScript, which loads this
// program again to build the topology and starts nothing.
import { KafkaStreams } from '@tributary/streams';
import { buildTopology } from './topology.mjs';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const streams = new KafkaStreams({
  topology: buildTopology({ input: 'words', output: 'counts' }),
  connection: { brokers: process.env.BROKERS.split(','), clientId: 'installed' },
  config: { applicationId: 'installed', stateDir: process.env.STATE_DIR, numStreamThreads: 2, commitIntervalMs: 50 },
  logger: { ...quiet, error: (fields, text) => console.error(text, fields) },
});
process.once('SIGTERM', () => void streams.close());
await streams.start();
