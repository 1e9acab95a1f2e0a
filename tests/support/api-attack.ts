import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

import { projectRoot } from '../../tools/command-line/project-root.ts';
import type { Feed, Order, Report, Vitals } from './attacked-api.ts';
import { DEADLINE_MS } from './until.ts';

/** An API in a process of its own, to be attacked; it ends with the test run. */
export class AttackedApi {
  readonly url: string;
  readonly #child: ReturnType<typeof fork>;

  private constructor(child: ReturnType<typeof fork>, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(
    options: { readonly graphiql?: boolean; readonly apiToken?: string; readonly stalledAfterMs?: number } = {},
  ): Promise<AttackedApi> {
    const child = fork(join(projectRoot, 'tests', 'support', 'attacked-api.ts'), {
      execArgv: ['--expose-gc'],
      env: { ...process.env, NODE_ENV: 'production', API_OPTIONS: JSON.stringify(options) },
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('message', (report: Report) => resolve('url' in report ? report.url : ''));
      child.once('exit', (code) => reject(new Error(`the API ended with ${String(code)}`)));
    });
    return new AttackedApi(child, url);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when all of it has been applied. */
  async feed(order: Feed): Promise<number> {
    const report = await this.#ask(order);
    return 'fed' in report ? report.fed : NaN;
  }

  async vitals(): Promise<Vitals> {
    return (await this.#ask({ vitals: true })) as Vitals;
  }

  #ask(order: Order): Promise<Report> {
    return new Promise((resolve) => {
      this.#child.once('message', resolve);
      this.#child.send(order);
    });
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await exited;
  }
}

/** A TCP connection that says what it is told to and reads only when it is told to. */
export async function openTcp(port: number, text = ''): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', () => resolve());
  });
  if (text !== '') socket.write(text);
  return socket;
}

/**
 * Asks for /health again and again until told to stop; answers the times in ms, ascending. A failed one is Infinity.
 */
export function watchHealth(url: string, everyMs = 20): { stop(): Promise<number[]> } {
  const times: number[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const startedAt = performance.now();
      const ok = await fetch(`${url}/health`, { signal: AbortSignal.timeout(DEADLINE_MS) }).then(
        async (answer) => (await answer.text()) !== '' && answer.ok,
        () => false,
      );
      times.push(ok ? performance.now() - startedAt : Infinity);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      return times.sort((a, b) => a - b);
    },
  };
}

export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? NaN;
}
