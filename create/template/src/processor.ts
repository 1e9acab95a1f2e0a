import { KafkaStreams } from '@tributary/streams';
import { APPLICATION_ID, VIEWS_TOPIC } from './names.ts';
import { connection, logger, onStop, stateDir } from './settings.ts';

/** A processor. Start several: they share the work. */
const streams = new KafkaStreams({
  // A module, not a topology: each stream thread is a worker thread and builds its own.
  topologyModule: new URL('./topology.ts', import.meta.url),
  connection,
  config: { applicationId: APPLICATION_ID, stateDir },
  creatableTopics: { [VIEWS_TOPIC]: { partitions: 4 }, [`${VIEWS_TOPIC}-dlq`]: { partitions: 1 } },
  logger,
});

streams.onState((state) => {
  if (state !== 'ERROR') return;
  console.error(`${streams.failure?.code ?? ''}: ${streams.failure?.message ?? ''}`);
  process.exit(1);
});
onStop(() => streams.close());
// What start() throws, the listener has been told.
await streams.start().catch(() => undefined);
