import { createServer } from 'node:http';
import { KafkaStreams } from '@tributary/streams';
import { connectionFor, flags, quietLogger, runUntilStopped } from '../support/example.ts';
import { countOf, wordsWith } from './lookup.ts';

const { input, output, port } = flags({ input: 'text-lines', output: 'word-counts', port: '4100' });

const streams = new KafkaStreams({
  topologyModule: new URL('../1-word-count/topology.ts', import.meta.url),
  topologyOptions: { input, output },
  connection: connectionFor('word-count'),
  config: { applicationId: 'word-count', stateDir: '.data/examples' },
  creatableTopics: { [input]: { partitions: 4 }, [output]: { partitions: 4, config: { 'cleanup.policy': 'compact' } } },
  logger: quietLogger,
  onRestore: {
    started: ({ store, partition }) => console.log(`restoring ${store}, partition ${String(partition)}`),
    finished: ({ store, restored }) => console.log(`${store} is back: ${String(restored)} records`),
  },
});

const answers: Readonly<Record<string, (text: string) => unknown>> = {
  count: (word) => countOf(streams, word),
  words: (letters) => wordsWith(streams, letters, 20),
  pause: () => streams.pause(),
  resume: () => streams.resume(),
};

const server = createServer(async (request, response) => {
  const [, question = '', text = ''] = decodeURIComponent(request.url ?? '').split('/');
  try {
    const answer = Object.hasOwn(answers, question) ? await answers[question]?.(text) : { ask: Object.keys(answers) };
    response.end(`${JSON.stringify({ instance: streams.status().id, paused: streams.isPaused, answer })}\n`);
  } catch (error) {
    response.writeHead(503).end(`${String(error)}\n`);
  }
}).listen(Number(port), '127.0.0.1');

console.log(`counting the words of ${input}: http://127.0.0.1:${port}/count/kafka, /words/ka, /pause, /resume`);
await runUntilStopped(streams, async () => void server.close());
