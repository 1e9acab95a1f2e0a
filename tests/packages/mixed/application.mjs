// One process of an application that versions share: which one it is says the folder that the package is installed in.
import { KafkaStreams } from '@tributary/streams';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const streams = new KafkaStreams({
  topologyModule: new URL('./topology.mjs', import.meta.url),
  topologyOptions: { application: process.env.APPLICATION, isEarlier: process.env.VERSION === 'earlier' },
  connection: { brokers: process.env.BROKERS.split(','), clientId: process.env.VERSION },
  config: {
    applicationId: process.env.APPLICATION,
    stateDir: process.env.STATE_DIR,
    numStreamThreads: 2,
    commitIntervalMs: 50,
  },
  logger: { ...quiet, error: (fields, text) => console.error(process.env.VERSION, text, JSON.stringify(fields)) },
});
process.once('SIGTERM', () => void streams.close());
await streams.start();
