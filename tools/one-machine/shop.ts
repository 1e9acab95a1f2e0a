import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { environmentOrExit } from '../../processor/logins/environment.ts';
import { createLogger } from '../../processor/logins/logging.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { UserError } from '../command-line/user-error.ts';
import { buildApplicationPage } from '../development/client-build.ts';
import { isPortFree } from '../local-kafka/ports.ts';
import { LocalKafkaPart } from './local-kafka-part.ts';

/**
 * `npm run shop`: the application of examples/shop on the brokers of KAFKA_BROKERS, on the local Kafka of `npm start`
 * where that runs, or on one of its own.
 */
const environment = environmentOrExit();
const log = createLogger('shop', environment.log);

async function run(): Promise<number> {
  const { kafka, localKafkaPort, dataDir } = environment;
  // In a clone the page of the API is not there until it is built; an installed package has it.
  await buildApplicationPage();
  if (kafka !== undefined) return shop(kafka.brokers);
  if (!(await isPortFree(localKafkaPort))) return shop([`127.0.0.1:${String(localKafkaPort)}`]);
  const ended = Promise.withResolvers<number>();
  const part = new LocalKafkaPart(environment, log, ended.resolve);
  try {
    return await Promise.race([shop(await part.start()), ended.promise]);
  } finally {
    await part.stop();
  }

  async function shop(brokers: readonly string[]): Promise<number> {
    const child = fork(join(projectRoot, 'examples', 'shop', 'start.ts'), process.argv.slice(2), {
      env: { ...process.env, KAFKA_BROKERS: brokers.join(','), STATE_DIR: join(dataDir, 'shop') },
      execArgv: [],
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  }
}

process.exitCode = await run().catch((error: unknown) => {
  if (error instanceof UserError) process.stderr.write(`${error.message}\n`);
  else log.error({ err: error }, 'npm run shop failed');
  return 1;
});
// A local Kafka that is waited for to come back has a timer.
process.exit();
