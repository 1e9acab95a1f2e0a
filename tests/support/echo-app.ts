import { createLogger } from '../../processor/logins/logging.ts';
import { serveHealth } from '../../processor/logins/health-server.ts';
import { KafkaStreams, StreamsError, type StreamsConfigInput } from '@tributary/streams';

/**
 * The echo topology, or another one of this folder (TOPOLOGY_MODULE), as a process. It imports the runtime beside it,
 * so that a mutant's copy runs the mutant.
 */
const env = (name: string): string => process.env[name] ?? '';
const log = createLogger('echo', { level: env('LOG_LEVEL') === 'debug' ? 'debug' : 'info', format: 'json' });
const topologyOptions = JSON.parse(env('ECHO_TOPOLOGY')) as unknown;
const streams = new KafkaStreams({
  topologyModule: new URL(process.env['TOPOLOGY_MODULE'] ?? './echo-topology.ts', import.meta.url),
  topologyOptions,
  connection: {
    brokers: env('KAFKA_BROKERS').split(','),
    clientId: env('CLIENT_ID'),
    ...(env('REQUEST_TIMEOUT_MS') === '' ? {} : { requestTimeoutMs: Number(env('REQUEST_TIMEOUT_MS')) }),
  },
  config: JSON.parse(env('ECHO_CONFIG')) as StreamsConfigInput,
  // QUERY_TOKEN: other processes may ask for the rows of its stores.
  ...(env('QUERY_TOKEN') === '' ? {} : { queryListener: { host: '127.0.0.1', port: 0, token: env('QUERY_TOKEN') } }),
  logger: log,
});
const health = await serveHealth({ host: '127.0.0.1', port: Number(env('PROCESSOR_PORT')), streams, log });

async function exit(code: number): Promise<void> {
  await streams.close();
  await health.close();
  process.exit(code);
}

process.on('SIGTERM', () => void exit(0));
streams.onState((next) => {
  if (next !== 'ERROR') return;
  log.error({ code: streams.failure?.code }, `${String(streams.failure?.code)}: ${String(streams.failure?.message)}`);
  void exit(1);
});
await streams.start().catch((error: unknown) => {
  if (!(error instanceof StreamsError)) throw error;
});
