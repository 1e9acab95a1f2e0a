import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Logger } from '@tributary/streams';
import { projectRoot } from '../command-line/project-root.ts';
import { badConfigurationExitCode, RestartPolicy } from './restart-policy.ts';

const stopTimeoutMs = 20_000;

export interface PartOptions {
  readonly name: string;
  /** Relative to the project, run by this process's own Node. */
  readonly file: string;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** One line of the part's output. */
  readonly print: (line: string) => void;
  /** The part ended for good although nobody stopped it. `exitCode` is what the supervisor should exit with. */
  readonly onGivenUp: (exitCode: number) => void;
}

/**
 * One process of the product, started again when it fails. It runs in a process group of its own, so that a Ctrl-C in
 * the terminal reaches the supervisor alone, and is killed when the supervisor dies.
 */
export class SupervisedPart {
  readonly #options: PartOptions;
  readonly #policy = new RestartPolicy();
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: PartOptions) {
    this.#options = options;
    this.#start();
  }

  /** SIGTERM, then SIGKILL when it takes too long. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const killer = setTimeout(() => {
      this.#options.log.warn(
        { part: this.#options.name },
        `${this.#options.name} did not stop within ${stopTimeoutMs / 1000} s: killed`,
      );
      this.kill();
    }, stopTimeoutMs);
    await this.#ended;
    clearTimeout(killer);
  }

  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It ended by itself just now.
    }
  }

  #start(): void {
    const { name, file, nodeFlags = [], env, print } = this.#options;
    this.#startedAt = performance.now();
    const child = spawn(
      'sh',
      [join(projectRoot, 'tools/launcher/guard.sh'), process.execPath, ...nodeFlags, join(projectRoot, file)],
      {
        cwd: projectRoot,
        env: { ...env, GUARD_SIGNAL: 'KILL' },
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#child = child;
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', print);
    createInterface({ input: child.stderr }).on('line', print);
    this.#ended = new Promise((resolve) => {
      // `close` comes after the last line of output; `error` alone when there is no such program.
      child.once('close', (code) => {
        resolve();
        this.#onEnd(code);
      });
      child.once('exit', () => child.stdin.destroy());
      child.once('error', (error) => {
        print(`${name}: ${error.message}`);
        if (child.pid !== undefined) return;
        resolve();
        this.#onEnd(null);
      });
    });
  }

  #onEnd(exitCode: number | null): void {
    this.#child = undefined;
    if (this.#stopping) return;
    const { name, log, onGivenUp } = this.#options;
    const decision = this.#policy.next(exitCode, performance.now() - this.#startedAt);
    const ending = `${name} ended with exit code ${exitCode ?? 'none'}`;
    if (decision.action === 'restart') {
      log.warn(
        { part: name, exitCode },
        `${ending}: restart ${decision.attempt} of ${decision.of} in ${decision.delayMs / 1000} s`,
      );
      this.#restart = setTimeout(() => this.#start(), decision.delayMs);
      return;
    }
    if (decision.reason === 'too-many-restarts') log.error({ part: name, exitCode }, `${ending} once more: giving up`);
    onGivenUp(exitCode === badConfigurationExitCode ? badConfigurationExitCode : 1);
  }
}
