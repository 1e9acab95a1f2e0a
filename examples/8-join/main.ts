import { KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';

const topics = flags({ shown: 'ads-shown', clicks: 'ad-clicks', users: 'ad-users', output: 'ad-outcomes' });

const streams = new KafkaStreams({
  topologyModule: new URL('./topology.ts', import.meta.url),
  topologyOptions: topics,
  connection: connectionFor('join'),
  config: { applicationId: 'join', stateDir: '.data/examples' },
  creatableTopics: {
    [topics.shown]: { partitions: 4 },
    [topics.clicks]: { partitions: 4 },
    [topics.users]: { partitions: 4, config: { 'cleanup.policy': 'compact' } },
    [topics.output]: { partitions: 4 },
  },
  logger: quietLogger,
});

console.log(`what became of the ads of ${topics.shown}: ${topics.output}`);
await runUntilStopped(streams, async () => undefined);
