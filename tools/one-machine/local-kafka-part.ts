import type { Environment } from '../../processor/logins/environment.ts';
import type { Logger } from '@tributary/streams';
import { startLocalKafka, type LocalKafka } from '../local-kafka/local-kafka.ts';
import { RestartPolicy } from './restart-policy.ts';

/**
 * The local broker of `npm start`, started again on its own data when it fails. The other parts wait for it meanwhile.
 */
export class LocalKafkaPart {
  readonly #environment: Environment;
  readonly #log: Logger;
  readonly #onGivenUp: (exitCode: number) => void;
  readonly #policy = new RestartPolicy();
  #kafka: LocalKafka | undefined;
  #starting: Promise<unknown> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(environment: Environment, log: Logger, onGivenUp: (exitCode: number) => void) {
    this.#environment = environment;
    this.#log = log;
    this.#onGivenUp = onGivenUp;
  }

  /** The first start: what fails here is for the person at the terminal and is not tried again. */
  start(): Promise<readonly string[]> {
    const starting = this.#launch();
    this.#starting = starting.catch(() => undefined);
    return starting;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    await this.#starting;
    await this.#kafka?.stop();
  }

  kill(): void {
    this.#stopping = true;
    this.#kafka?.kill('SIGKILL');
  }

  async #launch(): Promise<readonly string[]> {
    const { dataDir, localKafkaPort: port } = this.#environment;
    const startedAt = performance.now();
    const kafka = await startLocalKafka({ dataDir, port, log: this.#log });
    this.#kafka = kafka;
    this.#log.info({ brokers: kafka.brokers[0], ms: Math.round(performance.now() - startedAt) }, 'Kafka runs');
    void kafka.exited.then(({ code, signal }) => {
      if (!this.#stopping)
        this.#again(`ended (${signal ?? code}); see ${kafka.logFile}`, performance.now() - startedAt);
    });
    return kafka.brokers;
  }

  #again(ending: string, ranForMs: number): void {
    const decision = this.#policy.next(1, ranForMs);
    if (decision.action === 'give-up') {
      this.#log.error({}, `The local Kafka ${ending}: giving up`);
      this.#onGivenUp(1);
      return;
    }
    this.#log.warn(
      {},
      `The local Kafka ${ending}: restart ${decision.attempt} of ${decision.of} in ${decision.delayMs / 1000} s`,
    );
    this.#restart = setTimeout(() => {
      this.#starting = this.#launch().catch((error: unknown) => {
        if (!this.#stopping) this.#again(`did not start: ${error instanceof Error ? error.message : String(error)}`, 0);
      });
    }, decision.delayMs);
  }
}
