// One process of an application that versions share: which one it is says the folder that the package is installed in.
import { KafkaStreams } from '@tributary/streams';

const line = (level) => (fields, text) => console.log(JSON.stringify({ level, text, ...fields }));
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
  logger: { debug: () => undefined, info: line('info'), warn: line('warn'), error: line('error') },
});
streams.onState((state) => {
  line('state')({}, state);
  if (state === 'ERROR') line('error')({ code: streams.failure?.code }, String(streams.failure?.message));
});
process.once('SIGTERM', async () => {
  await streams.close();
  // What it had under way may have connected again, and would keep the process alive; this version ends by itself.
  if (process.env.VERSION === 'earlier') process.exit(0);
});
await streams.start();
