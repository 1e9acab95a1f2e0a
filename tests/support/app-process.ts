import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment } from './child-environment.ts';
import { testPort } from './test-port.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { within } from './speed.ts';
import { until, DEADLINE_MS } from './until.ts';

export const LOGIN_PROCESSOR = 'processor/logins/main.ts';
export const ECHO_PROCESSOR = 'tests/support/echo-app.ts';

export interface AppOptions {
  /** LOGIN_PROCESSOR, ECHO_PROCESSOR or another file below `root`. */
  readonly main: string;
  /** The project, or a mutant's copy of it. */
  readonly root?: string;
  /** All it gets besides PATH, HOME and its port: the environment of the test run does not leak in. */
  readonly env: Readonly<Record<string, string>>;
}

export interface AppExit {
  /** 137 after kill -9, 143 after an unhandled SIGTERM, as a shell says it. */
  readonly code: number | null;
  readonly afterMs: number;
}

/** A process that stands still answers nothing: this says so, and no more. */
const ANSWER_WITHIN_MS = 10_000;

/** Looked at many times a second: without the metrics of the process itself, which cost more than all others. */
const OF_THE_TASKS = 'name[]=tributary_task_state&name[]=tributary_task_lag';

const TASK_STATE = /^tributary_task_state\{task="([^"]+)",state="([^"]+)"\} 1$/gm;

/** One line of the process's JSON log, or `{ msg }` of a line that is none. */
export interface LogLine {
  readonly level?: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/**
 * A processor in a process of its own. It runs under a guard in its own process group: it dies with the test run, and
 * signals reach the whole group, as when a machine hangs or loses power.
 */
export class AppProcess {
  readonly port: number;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<AppExit>;
  readonly #child: ChildProcess;
  readonly #startedAt = performance.now();
  #exit: AppExit | undefined;
  #endWanted = false;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    child.stdin?.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.lines.push(parseLine(line)));
    }
    this.exited = new Promise((resolve) => {
      child.once('exit', () => child.stdin?.destroy());
      // `close` comes after the last line of output.
      child.once('close', (code) => {
        this.#exit = { code, afterMs: performance.now() - this.#startedAt };
        resolve(this.#exit);
      });
    });
  }

  /** Spawns it and returns at once. */
  static async start(options: AppOptions): Promise<AppProcess> {
    const port = await testPort();
    const root = options.root ?? projectRoot;
    const child = spawn(
      'sh',
      [join(projectRoot, 'tools/launcher/guard.sh'), process.execPath, join(root, options.main)],
      {
        cwd: root,
        env: {
          ...childEnvironment(),
          LOG_FORMAT: 'json',
          GUARD_SIGNAL: 'KILL',
          PROCESSOR_PORT: String(port),
          PORT: String(port),
          ...options.env,
        },
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    return new AppProcess(child, port);
  }

  /** Of the processor itself, not of its guard; known from its first line on. */
  get pid(): number | undefined {
    return this.lines.map(({ pid }) => pid).find((pid) => typeof pid === 'number');
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** It is to end, or has ended, because the test wants it so. */
  get endWanted(): boolean {
    return this.#endWanted;
  }

  /** The test knows that it will end by itself. */
  expectEnd(): void {
    this.#endWanted = true;
  }

  /** `boundMs` counts where speed is judged. @throws with the log when it ends instead, or the one deadline is over. */
  async untilReady(boundMs = DEADLINE_MS): Promise<void> {
    let said = '';
    const isReady = async (): Promise<boolean> => {
      const { ok, reason } = await this.ready();
      said = reason;
      return ok;
    };
    await this.until(isReady, () => `ready, and /ready says: ${said}`, boundMs);
  }

  /** `boundMs` counts where speed is judged. @throws with the log when it ends instead, or the one deadline is over. */
  async until(
    condition: () => boolean | Promise<boolean>,
    what: string | (() => string),
    boundMs = DEADLINE_MS,
  ): Promise<void> {
    const words = (): string => (typeof what === 'string' ? what : what());
    const stillWanted = async (): Promise<boolean> => {
      if (await condition()) return true;
      if (!this.running)
        throw new Error(`the process ended (${JSON.stringify(this.#exit)}) before it was: ${words()}\n${this.log()}`);
      return false;
    };
    await until(stillWanted, () => `${words()}\n${this.log()}`, within(boundMs));
  }

  /** /ready, as of now. */
  ready(): Promise<{ ok: boolean; reason: string }> {
    return this.#ask('/ready');
  }

  /** /health, as of now. */
  health(): Promise<{ ok: boolean; reason: string }> {
    return this.#ask('/health');
  }

  async #ask(path: string): Promise<{ ok: boolean; reason: string }> {
    try {
      const answer = await fetch(`http://127.0.0.1:${String(this.port)}${path}`, {
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      return { ok: answer.ok, reason: await answer.text() };
    } catch (error) {
      return { ok: false, reason: String(error) };
    }
  }

  /** The state of each task that it has, by task id; empty while it does not answer. */
  async taskStates(): Promise<Map<string, string>> {
    const text = await this.#metrics().catch(() => '');
    return new Map([...text.matchAll(TASK_STATE)].map(([, task, state]) => [String(task), String(state)]));
  }

  /** Lag by task id of the tasks it runs; undefined while it does not answer or a task is not running. */
  lags(): Promise<Map<string, number> | undefined> {
    return this.#lags('ACTIVE');
  }

  /** The same of the tasks it follows as a standby. */
  standbyLags(): Promise<Map<string, number> | undefined> {
    return this.#lags('STANDBY');
  }

  async #lags(role: 'ACTIVE' | 'STANDBY'): Promise<Map<string, number> | undefined> {
    try {
      const text = await this.#metrics();
      const states = [...text.matchAll(TASK_STATE)];
      if (states.some(([, , state]) => state !== 'RUNNING')) return undefined;
      const lags = [...text.matchAll(/^tributary_task_lag\{task="([^"]+)",role="([A-Z]+)"\} (\d+)$/gm)];
      return new Map(lags.flatMap(([, task, of, lag]) => (of === role ? [[String(task), Number(lag)] as const] : [])));
    } catch {
      return undefined;
    }
  }

  /** kill -9 of the whole group. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#endWanted = true;
    this.#signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM; answers how it ended. */
  async stop(): Promise<AppExit> {
    this.#endWanted = true;
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** Stands still, as a hung machine does, until `thaw`. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  logged(text: string | RegExp): LogLine[] {
    return this.lines.filter(({ msg }) => (typeof text === 'string' ? msg.includes(text) : text.test(msg)));
  }

  /** The last lines of its log, for an error message. */
  log(last = 40): string {
    return this.lines
      .slice(last === Infinity ? 0 : -last)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  /** Of its tasks alone. */
  async #metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${String(this.port)}/metrics?${OF_THE_TASKS}`, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return answer.text();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined || !this.running) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // It ended by itself just now.
    }
  }
}

function parseLine(line: string): LogLine {
  try {
    const parsed = JSON.parse(line) as unknown;
    if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed) return parsed as LogLine;
  } catch {
    // Not a line of the log: what Node itself says.
  }
  return { msg: line };
}

/** Ends processes at the end of a test, whatever became of them. */
export async function killAll(apps: readonly AppProcess[]): Promise<void> {
  await Promise.all(apps.map((app) => app.kill()));
}
