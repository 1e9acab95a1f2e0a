import { KafkaStreams, serveProcessorHealth } from '@tributary/streams';
import { APPLICATION_ID, TOPICS } from './names.ts';
import { connection, logger, onStop, processorPort, stateDir } from './settings.ts';

/** A processor of the shop. Start several, each with a STATE_DIR of its own or the same: they share the work. */
const streams = new KafkaStreams({
  // A module, not a topology: each stream thread is a worker thread and builds its own.
  topologyModule: new URL('./topology.ts', import.meta.url),
  connection,
  config: { applicationId: APPLICATION_ID, stateDir },
  creatableTopics: TOPICS,
  logger,
});

streams.onState((state) => {
  if (state !== 'ERROR') return;
  console.error(`${streams.failure?.code ?? ''}: ${streams.failure?.message ?? ''}`);
  process.exit(1);
});
if (processorPort !== undefined) await serveProcessorHealth(streams, { port: processorPort, logger });
onStop(() => streams.close());
// What start() throws, the listener has been told.
await streams.start().catch(() => undefined);
