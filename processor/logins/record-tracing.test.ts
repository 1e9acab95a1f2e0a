import { afterEach, expect, test } from '@jest/globals';
import { quietLogger } from '../../tests/support/quiet-logger.ts';
import { startTraceCollector } from '../../tests/support/trace-collector.ts';
import { startRecordTracing } from './record-tracing.ts';
import { sampleRatio } from './tracing-environment.ts';

const VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
afterEach(() => {
  delete process.env[VARIABLE];
});

test('nothing is traced where no collector is named', async () => {
  expect(await startRecordTracing({}, quietLogger)).toBeNull();
});

test.each<[NodeJS.ProcessEnv, number | undefined, number]>([
  [{}, undefined, 0],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, undefined, 0],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio' }, 1, 0],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0, 0],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 0.25, 0],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, 1, 1],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'most' }, 1, 1],
])('%j: of records without context %s begin a trace, with %i warnings', (env, ratio, warnings) => {
  const warned: unknown[] = [];
  expect(sampleRatio(env, { warn: (...line) => void warned.push(line) })).toBe(ratio);
  expect(warned).toHaveLength(warnings);
});

test('a committed record is a span of its trace, under the one that it came with', async () => {
  const collector = await startTraceCollector();
  process.env[VARIABLE] = collector.url;
  const tracing = await startRecordTracing(process.env, quietLogger);
  const span = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: '00f067aa0ba902b7',
    taskId: '0_3',
    topic: 'user-login',
    partition: 3,
    offset: 17,
    startMs: 1_700_000_000_250,
    endMs: 1_700_000_001_000,
  };
  tracing?.traces.onSpans([span, { ...span, spanId: 'b7ad6b7169203332', parentSpanId: undefined }]);
  await tracing?.close(5_000);
  collector.close();
  const sent = collector.received.flatMap(
    (body) =>
      (JSON.parse(body) as { resourceSpans: { resource: unknown; scopeSpans: { spans: object[] }[] }[] }).resourceSpans,
  );
  expect(JSON.stringify(sent[0]?.resource)).toContain('tributary-processor');
  const spans = sent.flatMap(({ scopeSpans }) => scopeSpans).flatMap((scope) => scope.spans);
  expect(spans).toHaveLength(2);
  expect(spans[0]).toMatchObject({
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: 'process user-login',
    startTimeUnixNano: '1700000000250000000',
    endTimeUnixNano: '1700000001000000000',
  });
  expect(JSON.stringify(spans[0])).toContain('"messaging.kafka.offset"');
  expect(spans[1]).not.toHaveProperty('parentSpanId');
});
