/**
 * The image without an engine: the files that the Dockerfile copies, and no others, in a directory of their own; each
 * container's command, with its environment, run there. No Kafka answers: the parts must start, say that they wait,
 * write nothing outside their state directory, and stop when they are told to.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../tools/local-kafka/ports.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { linkModules } from '../support/link-modules.ts';

const { services } = z
  .object({
    services: z.record(
      z.string(),
      z.looseObject({ command: z.array(z.string()).optional(), environment: z.record(z.string(), z.unknown()) }),
    ),
  })
  .parse(parse(readFileSync(join(projectRoot, 'docker-compose.yml'), 'utf8'), { merge: true }));

let root = '';
let app = '';
let child: ChildProcess | undefined;

/** What COPY takes from the build context in the stage that becomes the image and in its base. */
function copied(): string[] {
  const stages = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8').split(/^(?=FROM )/m);
  const wanted = stages.filter((stage) => /^FROM \S+ AS (base|tributary)$/m.test(stage));
  expect(wanted).toHaveLength(2);
  return wanted.flatMap((stage) =>
    [...stage.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' ')),
  );
}

function files(): string[] {
  return readdirSync(app, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(app, join(entry.parentPath, entry.name)))
    .sort();
}

beforeAll(async () => {
  // A checkout may lie below a folder of any name.
  root = mkdtempSync(join(tmpdir(), 'tri büt#ary 100%25 image-'));
  app = join(root, 'app');
  mkdirSync(app);
  const isLeftOut = (path: string): boolean =>
    /\.(test\.ts|log)$/.test(path) || ['node_modules', 'dist', 'target'].includes(basename(path));
  for (const source of copied())
    cpSync(join(projectRoot, source), join(app, source), { recursive: true, filter: (path) => !isLeftOut(path) });
  await linkModules(app);
  // The other stage's part.
  mkdirSync(join(app, 'client', 'dist'), { recursive: true });
  writeFileSync(join(app, 'client', 'dist', 'index.html'), '<title>The dashboard</title>');
});

afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Started {
  /** The first line of the log for which `found` answers something. */
  line<T>(found: (fields: Readonly<Record<string, unknown>>) => T | undefined): Promise<T>;
  /** Tells it to stop as an engine does; answers the exit code. */
  stop(): Promise<number | null>;
}

async function start(
  name: 'processor' | 'api' | 'producer',
  changes: Readonly<Record<string, string>>,
): Promise<Started> {
  const { command = [], environment } = services[name] ?? { environment: {} };
  const [program, ...args] = command;
  expect(program).toBe('node');
  const given = Object.fromEntries(
    Object.entries(environment).flatMap(([variable, value]) => (value === null ? [] : [[variable, String(value)]])),
  );
  const nobody = `127.0.0.1:${String(await freePort())}`;
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    LOG_FORMAT: 'json',
    ...given,
    KAFKA_BROKERS: nobody,
    STATE_DIR: join(root, 'state'),
    ...changes,
  };
  const own = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child = own;
  const log: string[] = [];
  let heard = (): void => undefined;
  for (const stream of [own.stdout, own.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.push(line);
      heard();
    });
  }
  const ended = new Promise<number | null>((resolve) => own.once('close', resolve));
  return {
    async line(found) {
      for (let read = 0; ;) {
        for (; read < log.length; read += 1) {
          const answer = found(JSON.parse(log[read] as string) as Record<string, unknown>);
          if (answer !== undefined) return answer;
        }
        const code = await Promise.race([
          new Promise<undefined>((resolve) => (heard = () => resolve(undefined))),
          ended,
        ]);
        if (code !== undefined) throw new Error(`${name} ended with ${String(code)}:\n${log.join('\n')}`);
      }
    },
    stop: () => {
      own.kill('SIGTERM');
      return ended;
    },
  };
}

test(
  'the processor starts, is alive and not ready while Kafka is away, writes to its state ' +
    'directory alone, and stops',
  async () => {
    const before = files();
    const processor = await start('processor', { PROCESSOR_PORT: '0' });
    const port = await processor.line(({ port: found, host }) => (host === '0.0.0.0' ? found : undefined));
    expect((await fetch(`http://127.0.0.1:${String(port)}/health`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${String(port)}/ready`)).status).toBe(503);
    await processor.line(({ stateDirectory }) => stateDirectory);
    expect(await processor.stop()).toBe(0);
    expect(files()).toEqual(before);
    expect(statSync(join(root, 'state')).isDirectory()).toBe(true);
  },
);

test('the API starts, is alive and not ready while Kafka is away, writes nothing, and stops', async () => {
  const before = files();
  const api = await start('api', { PORT: '0' });
  const url = await api.line(({ url: found }) =>
    typeof found === 'string' ? found.replace('localhost', '127.0.0.1') : undefined,
  );
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await fetch(`${url}/ready`)).status).toBe(503);
  expect(await (await fetch(url ?? '', { headers: { accept: 'text/html' } })).text()).toContain('The dashboard');
  expect(await api.stop()).toBe(0);
  expect(files()).toEqual(before);
});

test('the producer starts, waits for Kafka, writes nothing, and stops', async () => {
  const before = files();
  const producer = await start('producer', {});
  await producer.line(({ level, msg }) =>
    level === 40 && String(msg).startsWith('waiting for Kafka') ? true : undefined,
  );
  expect(await producer.stop()).toBe(0);
  expect(files()).toEqual(before);
});
