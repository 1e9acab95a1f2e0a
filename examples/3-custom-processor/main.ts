import { KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';

const { input, output } = flags({ input: 'events', output: 'events-once' });

const streams = new KafkaStreams({
  topologyModule: new URL('./topology.ts', import.meta.url),
  topologyOptions: { input, output },
  connection: connectionFor('deduplicate'),
  config: { applicationId: 'deduplicate', stateDir: '.data/examples' },
  creatableTopics: { [input]: { partitions: 4 }, [output]: { partitions: 4 } },
  logger: quietLogger,
});

streams.onState((next) => console.log(`the application is ${next}`));
console.log(`passing each event of ${input} on to ${output}, once`);
await runUntilStopped(streams, async () => undefined);
