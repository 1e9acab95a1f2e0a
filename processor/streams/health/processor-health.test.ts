/**
 * Modules of its own: it makes the thread that it runs in a stream thread, for good.
 * @jest-environment node
 */

import { afterEach, describe, expect, test } from '@jest/globals';
import { collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { StreamsError } from '../errors.ts';
import type { StreamsMetric } from '../streams-metrics.ts';
import { listenInStreamThread } from '../topology/built-topologies.ts';
import {
  type HealthSource,
  type ProcessorHealth,
  type ProcessorHealthOptions,
  serveProcessorHealth,
} from './processor-health.ts';

const metric = (name: string, values: StreamsMetric['values'], help = 'Helps'): StreamsMetric => {
  const snapshot = { name, help, type: 'gauge', aggregator: 'sum', values } as const;
  return { ...snapshot, get: () => Promise.resolve(snapshot), reset: () => undefined };
};
const METRICS = [
  metric('tributary_records_total', [{ labels: {}, value: 7 }]),
  metric('tributary_task_lag', [
    { labels: { task: '0_0', role: 'ACTIVE' }, value: 5 },
    { labels: { task: '0_1', role: 'ACTIVE' }, value: NaN },
  ]),
];

/** An application in which nothing is wrong but what a test says. */
const application = (more: Partial<HealthSource> = {}): HealthSource => ({
  state: 'RUNNING',
  failure: undefined,
  trouble: () => undefined,
  waitingFor: () => null,
  notReadyReason: () => null,
  metrics: () => METRICS,
  ...more,
});

const servers: ProcessorHealth[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serve(streams: HealthSource, options: Partial<ProcessorHealthOptions> = {}): Promise<ProcessorHealth> {
  const server = await serveProcessorHealth(streams, { port: 0, ...options });
  servers.push(server);
  return server;
}

async function get({ url }: ProcessorHealth, path: string, method = 'GET') {
  const response = await fetch(url + path, { method });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: text.startsWith('{') ? (JSON.parse(text) as unknown) : null,
    headers: response.headers,
  };
}

describe('/health and /ready', () => {
  test('of an application that works', async () => {
    const server = await serve(application());
    expect(await get(server, '/health')).toMatchObject({ status: 200, json: { status: 'ok', state: 'RUNNING' } });
    const ready = await get(server, '/ready?from=anywhere');
    expect([ready.status, ready.json, ready.headers.get('cache-control')]).toEqual([
      200,
      { status: 'ready' },
      'no-store',
    ]);
    expect([server.url, server.port > 0]).toEqual([`http://127.0.0.1:${String(server.port)}`, true]);
  });

  test('of one that waits: it works, and is not ready', async () => {
    const reason = 'the broker is away: ECONNREFUSED';
    const server = await serve(
      application({ state: 'REBALANCING', waitingFor: () => reason, notReadyReason: () => reason }),
    );
    expect(await get(server, '/health')).toMatchObject({
      status: 200,
      json: { status: 'ok', state: 'REBALANCING', waitingFor: reason },
    });
    expect(await get(server, '/ready')).toMatchObject({ status: 503, json: { status: 'not ready', reason } });
  });

  test('of one whose thread failed, and of one that has ended', async () => {
    const failing = application({ trouble: () => ({ code: 'USER_CODE_FAILED', reason: 'of no use' }) });
    const ended = application({ state: 'ERROR', failure: new StreamsError('OFFSETS_MISSING', 'no offset') });
    for (const [source, state, code, reason] of [
      [failing, 'RUNNING', 'USER_CODE_FAILED', 'of no use'],
      [ended, 'ERROR', 'OFFSETS_MISSING', 'no offset'],
    ] as const) {
      const server = await serve(source);
      expect(await get(server, '/health')).toMatchObject({
        status: 503,
        json: { status: 'failing', state, code, reason },
      });
      expect(await get(server, '/ready')).toMatchObject({ status: 503, json: { reason: `${code}: ${reason}` } });
    }
  });

  test('in the words of the application, each once', async () => {
    const words = (said: StreamsError | string): string =>
      typeof said === 'string' ? `${said} (STATE_DIR)` : `${said.message}, about ${said.settings.join()}`;
    const waiting = application({ waitingFor: () => 'stateDir is full', notReadyReason: () => 'stateDir is full' });
    const server = await serve(waiting, { words });
    expect((await get(server, '/health')).json).toMatchObject({ waitingFor: 'stateDir is full (STATE_DIR)' });
    expect((await get(server, '/ready')).json).toMatchObject({ reason: 'stateDir is full (STATE_DIR)' });
    const failing = await serve(application({ trouble: () => ({ code: 'THREAD_FAILED', reason: 'why' }) }), { words });
    expect((await get(failing, '/ready')).json).toMatchObject({ reason: 'THREAD_FAILED: why (STATE_DIR)' });
    const failure = new StreamsError('CONFIG_INVALID', 'bad', { settings: ['stateDir'] });
    const ended = await serve(application({ failure }), { words });
    expect((await get(ended, '/health')).json).toMatchObject({ reason: 'bad, about stateDir' });
  });
});

describe('/metrics', () => {
  const own = [
    '# HELP tributary_records_total Helps',
    '# TYPE tributary_records_total gauge',
    'tributary_records_total 7',
    '',
    '# HELP tributary_task_lag Helps',
    '# TYPE tributary_task_lag gauge',
    'tributary_task_lag{task="0_0",role="ACTIVE"} 5',
    'tributary_task_lag{task="0_1",role="ACTIVE"} NaN',
    '',
  ].join('\n');

  test('are as Prometheus reads them, all or those that are named', async () => {
    const server = await serve(application());
    const { status, text, headers } = await get(server, '/metrics');
    expect([status, text, headers.get('content-type')]).toEqual([200, own, Registry.PROMETHEUS_CONTENT_TYPE]);
    const lag = await get(server, '/metrics?name[]=tributary_task_lag&name%5B%5D=tributary_records_total');
    expect(lag.text.split('\n').filter((line) => line.startsWith('# TYPE'))).toEqual([
      '# TYPE tributary_task_lag gauge',
      '# TYPE tributary_records_total gauge',
    ]);
    expect(await get(server, '/metrics?name[]=tributary_lag')).toMatchObject({
      status: 400,
      json: { error: 'there is no metric "tributary_lag" here' },
    });
  });

  test('are written as prom-client writes them', async () => {
    const odd = [
      metric('a', [{ labels: { odd: 'back\\slash "quoted"\nnew line' }, value: Infinity }], 'back\\slash\nnew line'),
      metric('b', [{ labels: {}, value: -Infinity }]),
      metric('c', []),
      metric('d', [{ labels: {}, value: 1e21 }]),
    ];
    const registry = new Registry();
    for (const one of odd) registry.registerMetric(one as unknown as Metric);
    const server = await serve(application({ metrics: () => odd }));
    expect((await get(server, '/metrics')).text).toBe(await registry.metrics());
  });

  test('are beside those of a registry, each once, also where it was given them', async () => {
    const registry = new Registry();
    new Gauge({ name: 'shop_orders', help: 'Orders', registers: [registry] }).set(3);
    registry.registerMetric(METRICS[0] as unknown as Metric);
    const server = await serve(application(), { registry });
    const { text } = await get(server, '/metrics');
    expect([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)).toEqual([
      'shop_orders',
      'tributary_records_total',
      'tributary_task_lag',
    ]);
    expect(text.endsWith(' NaN\n')).toBe(true);
    expect((await get(server, '/metrics?name[]=shop_orders&name[]=tributary_task_lag')).text).toMatch(
      /^shop_orders 3\n\n# HELP tributary_task_lag/m,
    );
    collectDefaultMetrics({ register: registry });
    expect((await get(server, '/metrics')).text).toContain('process_cpu_seconds_total');
  });

  test('that cannot be read are an error that is logged, and nothing that ends the process', async () => {
    const logged: string[] = [];
    const log = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
    const logger = { debug: log, info: log, warn: log, error: log };
    const metrics = (): StreamsMetric[] => {
      throw new Error('why it failed');
    };
    const server = await serve(application({ metrics }), { logger });
    expect(logged[0]).toContain('serving /health, /ready and /metrics');
    expect((await get(server, '/metrics')).status).toBe(500);
    expect(logged[1]).toContain('why it failed');
    expect((await get(server, '/health')).status).toBe(200);
  });
});

test('nothing else is here, and nothing can be sent', async () => {
  const server = await serve(application());
  for (const path of ['/', '/healthz', '/graphql', '/health/']) expect((await get(server, path)).status).toBe(404);
  const posted = await get(server, '/health', 'POST');
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect(await get(server, '/ready', 'HEAD')).toMatchObject({ status: 200, text: '' });
});

test('it ends at once, connections that are kept alive too, and may be ended twice', async () => {
  const server = await serve(application());
  await get(server, '/health');
  await Promise.all([server.close(), server.close()]);
  await expect(fetch(`${server.url}/health`)).rejects.toThrow();
});

test('a port in use is the system’s error', async () => {
  const { port } = await serve(application());
  await expect(serve(application(), { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('all interfaces are reached as localhost', async () => {
  const all = await serve(application(), { host: '0.0.0.0' });
  expect(all.url).toBe(`http://localhost:${String(all.port)}`);
});

describe('options that cannot be used are CONFIG_INVALID, which names them', () => {
  const openMetrics = new Registry<'application/openmetrics-text; version=1.0.0; charset=utf-8'>();
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  test.each<[string, unknown, unknown]>([
    ['takes an object with options', application(), undefined],
    ['has no option "prot": did you mean "port"?', application(), { prot: 1 }],
    ['port of serveProcessorHealth takes a whole number', application(), {}],
    ['not "9400"', application(), { port: '9400' }],
    ['not 65536', application(), { port: 65_536 }],
    ['not NaN', application(), { port: NaN }],
    ['host of serveProcessorHealth', application(), { port: 0, host: '' }],
    ['needs words, a function', application(), { port: 0, words: 'english' }],
    ['registry of serveProcessorHealth takes one of prom-client', application(), { port: 0, registry: null }],
    ['registry of serveProcessorHealth needs metrics', application(), { port: 0, registry: {} }],
    ['must write Prometheus', application(), { port: 0, registry: openMetrics }],
    ['logger', application(), { port: 0, logger: { info: 1 } }],
    ['takes the KafkaStreams first, not undefined', undefined, { port: 0 }],
    ['the KafkaStreams of serveProcessorHealth needs trouble', { port: 0 }, { port: 0 }],
  ])('%s', async (message, streams, options) => {
    const served = serveProcessorHealth(streams as HealthSource, options as ProcessorHealthOptions);
    await expect(served).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });
});

// The last one: from here on this thread is a stream thread.
test('a stream thread, which loads the program for its topology, serves nothing a second time', async () => {
  const { port } = await serve(application());
  const stop = listenInStreamThread(() => undefined);
  let settled = false;
  const again = serveProcessorHealth(application(), { port });
  again.then(
    () => (settled = true),
    () => (settled = true),
  );
  expect((await fetch(`http://127.0.0.1:${String(port)}/health`)).status).toBe(200);
  expect(settled).toBe(false);
  stop();
});
