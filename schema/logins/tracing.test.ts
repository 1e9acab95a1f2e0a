import { afterEach, expect, test } from '@jest/globals';

import { postGraphql, SILENT_LOGGER, startApiUnderTest } from '../../tests/support/api-under-test.ts';
import { RawSocket } from '../../tests/support/raw-socket.ts';
import { startTraceCollector } from '../../tests/support/trace-collector.ts';
import { wantsTracing } from '../../processor/logins/tracing-environment.ts';
import { startTracing } from './tracing.ts';

// Servers and sockets on a busy machine take their time.
const VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
afterEach(() => {
  delete process.env[VARIABLE];
});

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly status?: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: unknown }[];
}

test('only when the variables name a collector and do not switch it off', async () => {
  expect(wantsTracing({})).toBe(false);
  expect(wantsTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBe(false);
  expect(wantsTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' })).toBe(true);
  expect(wantsTracing({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' })).toBe(true);
  expect(wantsTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' })).toBe(false);
  expect(wantsTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' })).toBe(false);
  expect(await startTracing({}, SILENT_LOGGER)).toBeNull();
});

test("each operation is a span of its caller's trace, whatever its transport, without text or variables", async () => {
  const collector = await startTraceCollector();
  process.env[VARIABLE] = collector.url;
  const tracing = await startTracing(process.env, SILENT_LOGGER);
  const api = await startApiUnderTest({ tracing });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await postGraphql(
    api.url,
    { query: 'query Named($id: ID!) { node(id: $id) { id } }', variables: { id: 'canary-value' } },
    { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  );
  await postGraphql(api.url, { query: '{ states(first: 99) { totals { ios } } }' });
  const socket = await new RawSocket(api.url).ready();
  socket.subscribe('s', 'subscription Live { states { kind } }');
  await socket.of('s');
  await api.server.stop();
  await tracing?.close(5_000);
  collector.close();

  const resources = collector.received.flatMap(
    (body) =>
      (JSON.parse(body) as { resourceSpans: { resource: unknown; scopeSpans: { spans: SentSpan[] }[] }[] })
        .resourceSpans,
  );
  expect(JSON.stringify(resources[0]?.resource)).toContain('tributary-api');
  const spans = resources.flatMap(({ scopeSpans }) => scopeSpans).flatMap((scope) => scope.spans);
  expect(spans.map(({ name }) => name)).toEqual(['query Named', 'query', 'subscription Live']);
  expect(spans[0]).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331' });
  expect(JSON.stringify(spans[1])).toContain('BAD_USER_INPUT');
  expect(JSON.stringify(spans[2]?.attributes)).toContain('"ws"');
  expect(collector.received.join()).not.toMatch(/canary-value|node\(id/);
});
