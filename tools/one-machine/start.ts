import { environmentOrExit, type Environment } from '../../processor/logins/environment.ts';
import { createLogger } from '../../processor/logins/logging.ts';
import { API_NODE_FLAGS } from './api-node-flags.ts';
import { buildPages } from '../development/client-build.ts';
import { unknownBrokersLine } from '../../processor/logins/runtime-words.ts';
import { unresolvableBrokers } from '@tributary/streams/operations';
import { LocalKafkaPart } from './local-kafka-part.ts';
import { freePort, isPortFree } from '../local-kafka/ports.ts';
import { SupervisedPart } from './supervised-part.ts';
import { errorCode, UserError } from '../command-line/user-error.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `npm start`: Kafka, a processor, the API with the built dashboard, and the producer, as one. Whatever ends it, the
 * parts stop in this order: producer, then processor and API, then the broker.
 */
class OneMachine {
  readonly #environment: Environment;
  readonly #log;
  #kafka: LocalKafkaPart | undefined;
  #producer: SupervisedPart | undefined;
  readonly #readers: SupervisedPart[] = [];
  #port: number;
  #stopping: Promise<never> | undefined;
  #firstSignalAt = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#log = createLogger('tributary', environment.log);
    this.#port = environment.port;
  }

  async run(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#onSignal());
    const { kafka, port, host, producerRate } = this.#environment;
    if (port === 0) this.#port = await freePort();
    else await untilPortIsFree(port, host);
    if (kafka !== undefined) await assertBrokerNamesResolve(kafka.brokers);

    const built = this.#timed('The pages are built', buildPages());
    // Awaited below; a build that fails before that must not be an unhandled rejection.
    built.catch(() => undefined);
    let brokers = kafka?.brokers;
    if (brokers === undefined) {
      this.#kafka = new LocalKafkaPart(this.#environment, this.#log, (exitCode) => this.#stop(exitCode));
      brokers = await this.#kafka.start();
    }
    if (this.#stopping !== undefined) return;
    const env = this.#partEnvironment(brokers);
    this.#readers.push(this.#part('processor', 'processor/logins/main.ts', env));
    if (producerRate > 0) this.#producer = this.#part('producer', 'tools/producer/producer.ts', env);
    await built;
    if (this.#stopping !== undefined) return;
    this.#readers.push(this.#part('api', 'schema/logins/main.ts', env, API_NODE_FLAGS));
    await this.#untilReady(brokers);
  }

  /** Stops everything in order and exits. A second call changes nothing. */
  #stop(exitCode: number): void {
    this.#stopping ??= (async () => {
      await this.#producer?.stop();
      await Promise.all(this.#readers.map((part) => part.stop()));
      await this.#kafka?.stop();
      this.#log.info({}, 'Stopped');
      process.exit(exitCode);
    })();
  }

  /** What cannot go on: the line for the person at the terminal, and an orderly end. */
  fail(error: unknown): void {
    if (error instanceof UserError) process.stderr.write(`${error.message}\n`);
    else this.#log.error({ err: error }, 'npm start failed');
    this.#stop(error instanceof UserError && error.code === 'BROKER_NAME_UNKNOWN' ? 2 : 1);
  }

  #onSignal(): void {
    const now = performance.now();
    if (this.#firstSignalAt === 0) {
      this.#firstSignalAt = now;
      this.#log.info({}, 'Stopping; once more to force it');
      this.#stop(0);
      // One Ctrl-C arrives more than once: the terminal signals all at once, and npm passes its own on.
    } else if (now - this.#firstSignalAt > 1_000) {
      for (const part of [this.#producer, ...this.#readers]) part?.kill();
      this.#kafka?.kill();
      process.exit(130);
    }
  }

  #part(name: string, file: string, env: NodeJS.ProcessEnv, nodeFlags: readonly string[] = []): SupervisedPart {
    return new SupervisedPart({
      name,
      file,
      nodeFlags,
      env,
      log: this.#log,
      print: (line) => process.stdout.write(`${line}\n`),
      onGivenUp: (exitCode) => this.#stop(exitCode),
    });
  }

  #partEnvironment(brokers: readonly string[]): NodeJS.ProcessEnv {
    const { log } = this.#environment;
    return {
      ...process.env,
      KAFKA_BROKERS: brokers.join(','),
      PORT: String(this.#port),
      LOG_FORMAT: log.format,
      ...(log.format === 'pretty' && process.stdout.isTTY === true ? { FORCE_COLOR: '1' } : {}),
    };
  }

  async #timed(done: string, work: Promise<boolean>): Promise<void> {
    const started = performance.now();
    if (await work) this.#log.info({ seconds: Math.round(performance.now() - started) / 1000 }, done);
  }

  async #untilReady(brokers: readonly string[]): Promise<void> {
    const { host } = this.#environment;
    const shownHost = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
    const url = `http://${shownHost}:${this.#port}`;
    const started = performance.now();
    let nextNoteAt = started + 10_000;
    while (this.#stopping === undefined) {
      const reason = await whyNotReady(url);
      if (reason === undefined) {
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        this.#log.debug({ seconds }, 'The API became ready');
        process.stdout.write(
          `Tributary is ready: dashboard ${url}/  GraphiQL ${url}/graphql  Kafka ${brokers.join(',')}\n`,
        );
        return;
      }
      if (performance.now() > nextNoteAt) {
        nextNoteAt += 10_000;
        this.#log.info({ reason }, 'Not ready yet');
      }
      await sleep(100);
    }
  }
}

/** The reason /ready gives, or undefined when it is ready. */
async function whyNotReady(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(5_000) });
    const body = await response.text();
    return response.status === 200 ? undefined : body.trim().slice(0, 300);
  } catch {
    return 'the API does not answer yet';
  }
}

/** A moment of patience: what was killed just now may still be letting go of the port. */
async function untilPortIsFree(port: number, host: string): Promise<void> {
  const deadline = performance.now() + 1_500;
  for (;;) {
    const free = await isPortFree(port, host).catch((error: unknown) => {
      throw new UserError(
        'HOST_UNUSABLE',
        `The API cannot listen on ${host}:${port} (${errorCode(error) ?? String(error)}): set HOST and PORT to ` +
          `an address of this machine.`,
      );
    });
    if (free) return;
    if (performance.now() > deadline) {
      throw new UserError(
        'PORT_IN_USE',
        `Port ${port} of ${host} is in use: set PORT to another port for the API and the dashboard.`,
      );
    }
    await sleep(100);
  }
}

/** A broker that is down is waited for; a name that nobody knows is a typing error. */
async function assertBrokerNamesResolve(brokers: readonly string[]): Promise<void> {
  const line = unknownBrokersLine(brokers, await unresolvableBrokers(brokers));
  if (line !== undefined) throw new UserError('BROKER_NAME_UNKNOWN', line);
}

const machine = new OneMachine(environmentOrExit());
machine.run().catch((error: unknown) => machine.fail(error));
