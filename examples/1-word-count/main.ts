import { createGlobalTable, KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';

const { input, output } = flags({ input: 'text-lines', output: 'word-counts' });
const connection = connectionFor('word-count');

const streams = new KafkaStreams({
  // A module, not a topology: each stream thread is a worker thread and builds its own.
  topologyModule: new URL('./topology.ts', import.meta.url),
  topologyOptions: { input, output },
  connection,
  config: { applicationId: 'word-count', stateDir: '.data/examples' },
  creatableTopics: { [input]: { partitions: 4 }, [output]: { partitions: 4, config: { 'cleanup.policy': 'compact' } } },
  logger: quietLogger,
});

// A live copy of the results, whoever computes them: start this program twice and both print every count.
const counts = createGlobalTable(
  connection,
  {
    topics: [output],
    onChanges: (changes) => {
      for (const { key, value } of changes)
        console.log(`${key.toString('utf8')}\t${value?.toString('utf8') ?? 'gone'}`);
    },
    onReset: () => undefined,
    onState: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  },
  quietLogger,
);

console.log(`counting the words of ${input}; the counts go to ${output}`);
counts.start();
await runUntilStopped(streams, () => counts.close());
