import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaStreams } from '@tributary/streams';
import { serveHealth, type HealthServer } from './health-server.ts';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let server: HealthServer;

beforeAll(async () => {
  const streams = new KafkaStreams({
    topologyModule: new URL('./topology.ts', import.meta.url),
    connection: { brokers: ['127.0.0.1:9'], clientId: 'test' },
    config: { applicationId: 'never-started', stateDir: 'never-made' },
    logger: silent,
  });
  server = await serveHealth({ host: '127.0.0.1', port: 0, streams, log: silent });
});
afterAll(() => server.close());

async function metrics(query: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${String(server.port)}/metrics${query}`);
  return { status: answer.status, text: await answer.text() };
}

const namesIn = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => String(name));

test('/metrics answers all metrics, or those alone that are named', async () => {
  const all = namesIn((await metrics('')).text);
  expect(all).toEqual(expect.arrayContaining(['tributary_ready', 'tributary_task_lag', 'process_cpu_seconds_total']));
  const { status, text } = await metrics('?name[]=tributary_ready&name[]=tributary_task_lag');
  expect([status, namesIn(text)]).toEqual([200, ['tributary_ready', 'tributary_task_lag']]);
  expect(text).toMatch(/^tributary_ready 0$/m);
});

test('a metric that does not exist is an error, and no empty answer', async () => {
  const { status, text } = await metrics('?name[]=tributary_reddy');
  expect([status, JSON.parse(text)]).toEqual([400, { error: 'there is no metric "tributary_reddy" here' }]);
});
