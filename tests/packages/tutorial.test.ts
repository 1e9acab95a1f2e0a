/** docs/tutorial.md: its commands are run and its changes are made, in their order, outside of the repository. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { packAll, packCreate } from '../../tools/packages/packages.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { page } from '../support/markdown.ts';
import { testPort } from '../support/test-port.ts';
import { tutorialSteps } from '../support/tutorial-steps.ts';
import { until } from '../support/until.ts';
import { installInto } from './installed-packages.ts';

const run = promisify(execFile);
/** Where the tutorial says that the API is. */
const TUTORIAL_URL = 'http://127.0.0.1:4400';
const ends: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

interface Instance {
  readonly tasks: readonly { readonly id: string; readonly role: string; readonly state: string }[];
}

interface Answer {
  readonly processor: { readonly instances: readonly Instance[] };
  readonly pagesPage: { readonly nodes: readonly unknown[] };
  readonly pageMinutesPage: { readonly totalCount: number };
}

/** Undefined while it is not there, or says of something why it is not there. */
function dataOf(answer: string): Answer | undefined {
  try {
    const { data, errors } = JSON.parse(answer) as { readonly data: Answer; readonly errors?: unknown };
    return errors === undefined ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Those that have something to do. */
const workers = (answer: string): readonly Instance[] =>
  dataOf(answer)?.processor.instances.filter(({ tasks }) => tasks.length > 0) ?? [];

const runs = ({ tasks }: Instance): boolean => tasks.every(({ state }) => state === 'RUNNING');

/** What `ask` waits for, where it is no text of the answer. Four partitions of two sub-topologies are eight tasks. */
const CONDITIONS: Readonly<Record<string, (answer: string) => boolean>> = {
  'rows of both tables': (answer) => {
    const { pagesPage, pageMinutesPage } = dataOf(answer) ?? {};
    return (pagesPage?.nodes.length ?? 0) > 0 && (pageMinutesPage?.totalCount ?? 0) > 0;
  },
  '2 instances': (answer) => workers(answer).length === 2 && workers(answer).every(runs),
  '1 instance with all tasks running': (answer) =>
    workers(answer)
      .map((instance) => runs(instance) && instance.tasks.length)
      .join() === '8',
};

/** A command that goes on until it is stopped, with all that it starts, as Ctrl-C stops it. */
class Started {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(code: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('bash', ['-c', code], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Answers how it has ended: the exit code, or the signal. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | NodeJS.Signals | null> {
    try {
      process.kill(-(this.#child.pid as number), signal);
    } catch {
      // It has ended by itself.
    }
    await this.#ended;
    return this.#child.exitCode ?? this.#child.signalCode;
  }
}

/** The tutorial, done by somebody who does not think. */
class Reader {
  cwd: string;
  env: NodeJS.ProcessEnv;
  readonly #root: string;
  readonly #url: string;
  readonly #started = new Map<string, Started>();
  #said = '';
  #broker: TestBroker | undefined;

  constructor(root: string, url: string) {
    const { PATH, HOME } = childEnvironment();
    this.#root = root;
    this.#url = url;
    this.cwd = join(root, 'tributary');
    this.env = {
      HOME,
      // The compiler is the repository's own: `installInto` leaves out what only development needs.
      PATH: [dirname(process.execPath), join(projectRoot, 'node_modules', '.bin'), PATH].join(':'),
      // A shell that stays in front of the program, as dash does, ends with the signal, and the exit code is lost.
      npm_config_script_shell: 'bash',
      PORT: new URL(url).port,
      KAFKA_BROKERS: '127.0.0.1:9',
    };
  }

  /** What needs a registry, or containers, has its like here. */
  async #like(command: string): Promise<boolean> {
    switch (command) {
      case 'npm install':
        // The clone has its packages.
        if (this.cwd === join(this.#root, 'tributary')) return true;
        await installInto(
          this.cwd,
          (await readdir(join(this.cwd, 'packages'))).map((name) => join(this.cwd, 'packages', name)),
        );
        return true;
      case 'npm run pack:create':
        await packCreate(join(this.cwd, 'dist'), await packAll(join(this.cwd, 'dist')));
        return true;
      case 'docker compose up -d':
        await this.#expectAdviceWithoutKafka();
        this.#broker = await startTestBroker({ heap: '384m' });
        ends.push(() => this.#broker?.stop() ?? Promise.resolve());
        this.env['KAFKA_BROKERS'] = this.#broker.brokers.join(',');
        return true;
      default:
        return false;
    }
  }

  async #expectAdviceWithoutKafka(): Promise<void> {
    const refused = await run('npm', ['start'], { cwd: this.cwd, env: this.env }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No Kafka answers at 127.0.0.1:9. Start one with "docker compose up -d"'),
    });
  }

  async run(code: string): Promise<void> {
    for (const command of code.trim().split('\n')) {
      if (await this.#like(command)) continue;
      const place = join(this.#root, 'place');
      try {
        const { stdout, stderr } = await run('bash', ['-c', `${command}\npwd > '${place}'`], {
          cwd: this.cwd,
          env: this.env,
        });
        this.#said = stdout + stderr;
      } catch (error) {
        const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
        throw new Error(`${command}\n${stdout}${stderr}`, { cause: error });
      }
      this.cwd = (await readFile(place, 'utf8')).trim();
    }
  }

  said(text: string): void {
    for (const line of text.trim().split('\n')) expect(this.#said).toContain(line);
  }

  async start(code: string, mark: string): Promise<void> {
    const started = new Started(code, this.cwd, this.env);
    this.#started.set(code.trim(), started);
    ends.push(() => started.stop('SIGKILL'));
    await until(
      () => {
        if (!started.runs) throw new Error(`it has ended: ${code}${started.output}`);
        return started.output.includes(mark);
      },
      () => `${code.trim()} says ${mark}\n${started.output}`,
    );
  }

  async stop(command: string): Promise<void> {
    const started = this.#started.get(command);
    if (started === undefined) throw new Error(`nothing was started by: ${command}`);
    expect({ command, runs: started.runs, ended: await started.stop(), output: started.output }).toMatchObject({
      runs: true,
      ended: 0,
    });
  }

  /** Asked again and again; an answer that does not end is read until it says so. */
  async ask(code: string, mark: string): Promise<void> {
    const holds = CONDITIONS[mark] ?? ((answer: string) => answer.includes(mark));
    let asked: Started | undefined;
    await until(
      async () => {
        if (asked !== undefined && holds(asked.output)) return true;
        if (asked === undefined || !asked.runs)
          asked = new Started(code.replaceAll(TUTORIAL_URL, this.#url), this.cwd, this.env);
        return false;
      },
      () => `${mark}\n${asked?.output ?? ''}\n${[...this.#started.values()].map(({ output }) => output).join('\n')}`,
    );
    await asked?.stop();
  }

  /** `change` is given the file, and where in it the mark is. */
  async edit(file: string, mark: string, change: (text: string, at: number) => string): Promise<void> {
    const path = join(this.cwd, file);
    const text = await readFile(path, 'utf8');
    expect({ file, mark, times: text.split(mark).length - 1 }).toEqual({ file, mark, times: 1 });
    await writeFile(path, change(text, text.indexOf(mark)));
  }

  append(file: string, code: string): Promise<void> {
    return appendFile(join(this.cwd, file), code);
  }
}

const hasCurl = spawnSync('curl', ['--version']).status === 0;
/** Where nothing may be left out, a missing curl fails the test. */
const mayBeSkipped = process.env['REQUIRE_BROWSER_TESTS'] !== 'true';

(hasCurl || !mayBeSkipped ? test : test.skip)('what it says is done, and does what it says', async () => {
  if (!hasCurl) throw new Error('the tutorial asks with curl, which is not here');
  const steps = tutorialSteps(page('docs/tutorial.md').text);
  const root = await realpath(await mkdtemp(join(tmpdir(), 'tributary-tutorial-')));
  ends.push(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'tributary'));
  const reader = new Reader(root, `http://127.0.0.1:${String(await testPort())}`);
  for (const { verb, file, mark, code } of steps)
    switch (verb) {
      case 'run':
        await reader.run(code);
        break;
      case 'said':
        reader.said(code);
        break;
      case 'start':
        await reader.start(code, mark);
        break;
      case 'stop':
        await reader.stop(mark);
        break;
      case 'ask':
        await reader.ask(code, mark);
        break;
      case 'insert':
        await reader.edit(file, mark, (text, at) => text.slice(0, at) + code + text.slice(at));
        break;
      case 'replace':
        await reader.edit(file, mark, (text) => text.replace(mark, () => code.trimEnd()));
        break;
      case 'append':
        await reader.append(file, code);
    }
  expect(new Set(steps.map(({ verb }) => verb)).size).toBe(8);
});
