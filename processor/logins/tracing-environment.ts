import type { Logger } from '@tributary/streams';

/** Whether OpenTelemetry's own variables ask for traces: they name a collector and do not switch tracing off. */
export function wantsTracing(env: NodeJS.ProcessEnv): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT']);
}

/**
 * The share, 0 to 1, of what comes without trace context that begins a trace; undefined where none is asked for. What
 * is no share is logged, and all is traced: the rule of OpenTelemetry's specification.
 */
export function sampleRatio(env: NodeJS.ProcessEnv, logger: Pick<Logger, 'warn'>): number | undefined {
  if (env['OTEL_TRACES_SAMPLER']?.endsWith('traceidratio') !== true) return undefined;
  const given = env['OTEL_TRACES_SAMPLER_ARG'] ?? '';
  if (given === '') return 1;
  const ratio = Number(given);
  if (ratio >= 0 && ratio <= 1) return ratio;
  logger.warn({}, `OTEL_TRACES_SAMPLER_ARG is "${given}", no number from 0 to 1: all is traced`);
  return 1;
}
