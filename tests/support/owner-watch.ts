import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from './app-process.ts';
import { sized } from './chaos.ts';

/** Far shorter than what it looks for lasts, below. */
const LOOK_MS = sized({ short: 250, full: 50 });
/**
 * What processes say of themselves may be this old: two statuses of a chaos run, and the look; older where something
 * else has the cores.
 */
const STALE_MS = sized({ short: 10_000, full: 800 });

/** Looks all along at who says that it runs which task. */
export class OwnerWatch {
  /** One sentence for each task that two processes ran for longer than their words may be old. */
  readonly twice: string[] = [];
  readonly #apps: () => readonly Pick<AppProcess, 'lags'>[];
  readonly #staleMs: number;
  readonly #running: Promise<void>;
  readonly #sharedSince = new Map<string, number>();
  #looks = 0;
  #stopped = false;

  /** @param staleMs how old what they say may be. */
  constructor(apps: () => readonly Pick<AppProcess, 'lags'>[], staleMs = STALE_MS) {
    this.#apps = apps;
    this.#staleMs = staleMs;
    this.#running = this.#run();
  }

  /** How often it has looked: a watch that saw nothing proves nothing. */
  get looks(): number {
    return this.#looks;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const apps = this.#apps();
      const tasks = (await Promise.all(apps.map((app) => app.lags()))).flatMap((lags) => [...(lags?.keys() ?? [])]);
      const shared = new Set(tasks.filter((task, index) => tasks.indexOf(task) !== index));
      for (const task of this.#sharedSince.keys()) if (!shared.has(task)) this.#sharedSince.delete(task);
      for (const task of shared) {
        const since = this.#sharedSince.get(task) ?? performance.now();
        this.#sharedSince.set(task, since);
        if (performance.now() - since > this.#staleMs) this.twice.push(`task ${task} is run by two processes`);
      }
      this.#looks += 1;
      await sleep(LOOK_MS);
    }
  }
}

/**
 * Reads in the logs what the group told its members: in no generation may two processes have one partition. A process
 * that came back under the name of a dead one has the same process id, and is the same member.
 */
export function sharedTwice(apps: readonly Pick<AppProcess, 'logged' | 'port'>[]): string[] {
  const owners = new Map<string, string>();
  const problems: string[] = [];
  for (const app of apps) {
    const processId = String(app.logged('took a slot')[0]?.['processId'] ?? app.port);
    for (const { generation, thread, assignment } of app.logged('joined the group')) {
      for (const [topic, partitions] of Object.entries(assignment as Record<string, number[]>)) {
        for (const partition of partitions) {
          const what = `${topic}-${String(partition)} in generation ${String(generation)}`;
          const member = `${processId}/${String(thread)}`;
          if ((owners.get(what) ?? member) !== member) problems.push(`${what} was given to two members`);
          owners.set(what, member);
        }
      }
    }
  }
  return problems;
}
