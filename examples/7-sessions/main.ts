import { KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';

const { input, output, minutes } = flags({ input: 'page-views', output: 'visits', minutes: '30' });

const streams = new KafkaStreams({
  topologyModule: new URL('./topology.ts', import.meta.url),
  topologyOptions: { input, output, gapMs: Number(minutes) * 60_000 },
  connection: connectionFor('sessions'),
  config: { applicationId: 'sessions', stateDir: '.data/examples' },
  creatableTopics: { [input]: { partitions: 4 }, [output]: { partitions: 4 } },
  logger: quietLogger,
});

console.log(`page views of ${input} become visits in ${output}, each when ${minutes} minutes without a view are over`);
await runUntilStopped(streams, async () => undefined);
