/** Whether OpenTelemetry's own variables ask for traces: they name a collector and do not switch tracing off. */
export function wantsTracing(env: NodeJS.ProcessEnv): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT']);
}

/** The share, 0 to 1, of what comes without trace context that begins a trace; undefined where none is asked for. */
export function sampleRatio(env: NodeJS.ProcessEnv): number | undefined {
  if (env['OTEL_TRACES_SAMPLER']?.endsWith('traceidratio') !== true) return undefined;
  const ratio = Number(env['OTEL_TRACES_SAMPLER_ARG'] ?? 1);
  return Number.isFinite(ratio) ? Math.min(1, Math.max(0, ratio)) : 1;
}
