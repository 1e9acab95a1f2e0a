import { KafkaStreams, StreamsError } from '@tributary/streams';
import { messageOf } from '@tributary/streams/operations';
import { environmentOrExit } from './environment.ts';
import { createLogger } from './logging.ts';
import { serveHealth } from './health-server.ts';
import { startRecordTracing } from './record-tracing.ts';
import { errorLine, loggerWithVariables } from './runtime-words.ts';
import { streamsOptions } from './streams-options.ts';

const CLOSE_TIMEOUT_MS = 12_000;
/** Of the above: a collector that is away holds nothing up. */
const SEND_SPANS_WITHIN_MS = 500;

const environment = environmentOrExit();
const log = createLogger('processor', environment.log);
/** Without KAFKA_BROKERS: the local broker that `npm start` runs, so that a second terminal just joins in. */
const connection = environment.kafka ?? {
  brokers: [`127.0.0.1:${String(environment.localKafkaPort)}`],
  clientId: environment.applicationId,
};
const tracing = await startRecordTracing(process.env, log);
const streams = new KafkaStreams({
  ...streamsOptions(environment, connection, loggerWithVariables(log)),
  ...(tracing === null ? {} : { traces: tracing.traces }),
});
const health = await serveHealth({ host: environment.host, port: environment.processorPort, streams, log }).catch(
  (error: unknown) => {
    process.stderr.write(
      `the processor cannot serve /health on ${environment.host}:${String(environment.processorPort)} ` +
        `(${messageOf(error)}): set PROCESSOR_PORT to a free port, or to 0 for any\n`,
    );
    process.exit(1);
  },
);
let exiting = false;

async function exit(code: number): Promise<void> {
  if (exiting) return;
  exiting = true;
  setTimeout(() => {
    log.error({}, 'closing took too long; exiting');
    process.exit(1);
  }, CLOSE_TIMEOUT_MS).unref();
  await streams.close();
  await tracing?.close(SEND_SPANS_WITHIN_MS);
  await health.close();
  process.exit(code);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void exit(0));
streams.onState((next) => {
  if (next !== 'ERROR') return;
  const failure = streams.failure;
  log.error({ code: failure?.code }, failure === undefined ? 'THREAD_FAILED: unknown' : errorLine(failure));
  void exit(1);
});
try {
  await streams.start();
} catch (error) {
  if (!(error instanceof StreamsError)) log.error({ error: messageOf(error) }, 'the processor could not start');
}
