import type { Logger } from '@tributary/streams';
import type { Tracing } from '@tributary/graphql';
import { sampleRatio, wantsTracing } from '../../processor/logins/tracing-environment.ts';

const SERVICE = 'tributary-api';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Tracing as `env` asks for it; null when it does not, and then its packages are not loaded. They read endpoint,
 * headers, service name and resource attributes from the process's environment.
 */
export async function startTracing(env: NodeJS.ProcessEnv, logger: Logger): Promise<Tracing | null> {
  if (!wantsTracing(env)) return null;
  const [
    { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace },
    { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider },
    { OTLPTraceExporter },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const named = resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? SERVICE });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(named),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio(env, logger) ?? 1) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer(SERVICE);
  logger.info({}, 'operations are traced');

  return {
    begin({ type, name, transport, traceparent }) {
      const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
      const parent =
        traceId === undefined || spanId === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, {
              traceId,
              spanId,
              traceFlags: Number.parseInt(flags ?? '0', 16),
              isRemote: true,
            });
      const attributes = {
        'graphql.operation.type': type,
        'tributary.transport': transport,
        ...(name === undefined ? {} : { 'graphql.operation.name': name }),
      };
      const span = tracer.startSpan(
        name === undefined ? type : `${type} ${name}`,
        { kind: SpanKind.SERVER, attributes },
        parent,
      );
      return (codes) => {
        if (codes.length > 0)
          span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('tributary.error_codes', [...codes]);
        span.end();
      };
    },
    async close(withinMs) {
      const gaveUp = new Promise<void>((resolve) => setTimeout(resolve, withinMs).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), gaveUp]);
    },
  };
}
