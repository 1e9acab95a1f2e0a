import { KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';

const { input, output, minutes } = flags({ input: 'events', output: 'events-deduplicated', minutes: '60' });

const streams = new KafkaStreams({
  topologyModule: new URL('./topology.ts', import.meta.url),
  topologyOptions: { input, output, rememberedMs: Number(minutes) * 60_000 },
  connection: connectionFor('deduplication'),
  config: { applicationId: 'deduplication', stateDir: '.data/examples' },
  creatableTopics: { [input]: { partitions: 4 }, [output]: { partitions: 4 } },
  logger: quietLogger,
});

console.log(`passing events of ${input} on to ${output}, each id once in ${minutes} minutes`);
await runUntilStopped(streams, async () => undefined);
