import { fileURLToPath } from 'node:url';
import { environmentOrExit } from '../../processor/logins/environment.ts';
import { createLogger } from '../../processor/logins/logging.ts';
import {
  errorLine,
  loggerWithVariables,
  unknownBrokersLine,
  withVariables,
} from '../../processor/logins/runtime-words.ts';
import { buildTopology } from '../../processor/logins/topology.ts';
import { createGlobalTable, type KafkaConnectionConfig } from '@tributary/streams';
import { unresolvableBrokers } from '@tributary/streams/operations';
import { type ApiServer, openLiveFeed } from '@tributary/graphql';
import { startLoginApi } from './login-api.ts';
import { createLoginModel } from './rows/login-model.ts';
import { startTracing } from './tracing.ts';

const STOP_WITHIN_MS = 4_800;
/** Closing the Kafka connections writes nothing, so it need not be waited for longer. */
const FEED_GRACE_MS = 500;

const environment = environmentOrExit();
const logger = createLogger('api', environment.log);
// Without KAFKA_BROKERS: the broker that `npm start` runs on this machine.
const connection: KafkaConnectionConfig = environment.kafka ?? {
  brokers: [`127.0.0.1:${environment.localKafkaPort}`],
  clientId: environment.applicationId,
};
const unresolvable = await unresolvableBrokers(connection.brokers);
const badNames = unknownBrokersLine(connection.brokers, unresolvable);
if (badNames !== undefined) exitWith(badNames);
if (unresolvable.length > 0)
  logger.warn(
    { brokers: unresolvable },
    `names in KAFKA_BROKERS do not resolve: ${unresolvable.join(', ')}; the others are tried`,
  );

const tracing = await startTracing(process.env, logger);
const { applicationId, inputTopic, deadLetterTopic } = environment;
const model = createLoginModel({ applicationId, logger });
const feed = openLiveFeed(
  model,
  (options) =>
    createGlobalTable(
      connection,
      {
        ...options,
        onState: (state) =>
          options.onState({ ...state, reason: state.reason === null ? null : withVariables(state.reason) }),
      },
      loggerWithVariables(logger),
    ),
  (error) => exitWith(errorLine(error)),
);

let server: ApiServer;
try {
  server = await startLoginApi({
    model,
    application: {
      guarantee: environment.processingGuarantee,
      topology: buildTopology({ inputTopic, deadLetterTopic }).describe(applicationId),
    },
    logger,
    host: environment.host,
    port: environment.port,
    allowedOrigins: environment.allowedOrigins,
    allowedHosts: environment.allowedHosts,
    graphiql: environment.graphiql,
    apiToken: environment.apiToken,
    tracing,
    dashboardFolder: fileURLToPath(new URL('../../client/dist', import.meta.url)),
  });
} catch (error) {
  exitWith(startProblem(error));
}
logger.info({ url: server.url, brokers: connection.brokers, applicationId }, 'the API is listening');

let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.info({ signal }, 'the API is stopping');
  setTimeout(() => {
    logger.warn({}, 'the API did not stop in time');
    process.exit(0);
  }, STOP_WITHIN_MS).unref();
  await server.stop();
  await Promise.all([
    tracing?.close(FEED_GRACE_MS),
    Promise.race([feed.close(), new Promise((resolve) => setTimeout(resolve, FEED_GRACE_MS))]),
  ]);
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

function startProblem(error: unknown): string {
  const { host, port } = environment;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is in use: set PORT to another one, or stop what listens there.`;
    case 'EACCES':
      return `Port ${port} may not be used by this user: set PORT to one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST="${host}" is no address of this machine: set HOST to one, such as 127.0.0.1 or 0.0.0.0.`;
    case undefined:
      return error instanceof Error ? error.message : String(error);
    default:
      return `The API cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function exitWith(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}
