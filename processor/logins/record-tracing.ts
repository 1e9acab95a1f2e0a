import type { Logger, RecordSpan, TracesOptions } from '@tributary/streams';
import { sampleRatio, wantsTracing } from './tracing-environment.ts';

const SERVICE = 'tributary-processor';

/** Sends the spans of records to a collector. */
export interface RecordTracing {
  readonly traces: TracesOptions;
  /** Sends the spans that were not sent yet; waits at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}

/**
 * Tracing as `env` asks for it; null when it does not, and then its packages are not loaded. Records that bring a trace
 * are traced; others only where a `traceidratio` sampler gives their share, for there may be a million a second.
 */
export async function startRecordTracing(env: NodeJS.ProcessEnv, logger: Logger): Promise<RecordTracing | null> {
  if (!wantsTracing(env)) return null;
  const [
    { SpanKind, SpanStatusCode, TraceFlags },
    { BatchSpanProcessor },
    { OTLPTraceExporter },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const resource = defaultResource()
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? SERVICE }));
  const batches = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() });
  const contextOf = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });

  const send = (span: RecordSpan): void => {
    const { traceId, spanId, parentSpanId, taskId, topic, partition, offset, startMs, endMs } = span;
    const context = contextOf(traceId, spanId);
    batches.onEnd({
      name: `process ${topic}`,
      kind: SpanKind.CONSUMER,
      spanContext: () => context,
      ...(parentSpanId === undefined
        ? {}
        : { parentSpanContext: { ...contextOf(traceId, parentSpanId), isRemote: true } }),
      startTime: hrTime(startMs),
      endTime: hrTime(endMs),
      duration: hrTime(Math.max(0, endMs - startMs)),
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': offset,
        'tributary.task': taskId,
      },
      links: [],
      events: [],
      ended: true,
      resource,
      instrumentationScope: { name: SERVICE },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    });
  };
  logger.info({}, 'records are traced');

  return {
    traces: { sampleRatio: sampleRatio(env, logger) ?? 0, onSpans: (spans) => spans.forEach(send) },
    async close(withinMs) {
      const gaveUp = new Promise<void>((resolve) => setTimeout(resolve, withinMs).unref());
      await Promise.race([batches.shutdown().catch(() => undefined), gaveUp]);
    },
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}
