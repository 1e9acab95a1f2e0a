/**
 * The rules of docker-compose.yml and the Dockerfile, read and not run: no container engine is asked for here. What can
 * be run without one, the health checks' commands, is run.
 */
import { spawnSync, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { importsOf } from '../support/imports-of.ts';
import { workspaces } from '../support/link-modules.ts';

const text = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

const setting = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const serviceShape = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), target: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  restart: z.string(),
  stop_grace_period: z.string(),
  container_name: z.string().optional(),
  hostname: z.string().optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  environment: z.record(z.string(), setting),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
  healthcheck: z
    .object({
      test: z.array(z.string()),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
      start_period: z.string(),
      start_interval: z.string(),
    })
    .optional(),
});
type Service = z.infer<typeof serviceShape>;

const compose: unknown = parse(text('docker-compose.yml'), { merge: true });
const { services, volumes } = z
  .object({ services: z.record(z.string(), serviceShape), volumes: z.record(z.string(), z.unknown()) })
  .parse(compose);

function service(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

const ours = ['processor', 'api', 'producer'] as const;

/** Instructions of the Dockerfile, continuation lines joined, by stage. */
function stages(): Map<string, { from: string; instructions: string[] }> {
  const lines = text('Dockerfile')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const found = new Map<string, { from: string; instructions: string[] }>();
  let current: { from: string; instructions: string[] } | undefined;
  for (const line of lines) {
    const from = /^FROM (\S+) AS (\S+)$/.exec(line);
    if (from !== null) found.set(from[2] as string, (current = { from: from[1] as string, instructions: [] }));
    else if (current === undefined) throw new Error(`an instruction before the first FROM: ${line}`);
    else current.instructions.push(line);
  }
  return found;
}

function stage(name: string): { from: string; instructions: string[] } {
  const found = stages().get(name);
  if (found === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  return found;
}

/** What COPY brings from the build context into a stage, its bases included. */
function copiedInto(name: string): string[] {
  const { from, instructions } = stage(name);
  const own = instructions.flatMap((line) =>
    (/^COPY (?!--from)(.+)$/.exec(line)?.[1] ?? '')
      .split(' ')
      .filter((part) => part !== '')
      .slice(0, -1),
  );
  return stages().has(from) ? [...copiedInto(from), ...own] : own;
}

function isCopied(file: string, copied: readonly string[]): boolean {
  return copied.some((source) => file === source || file.startsWith(`${source}/`));
}

describe('docker-compose.yml', () => {
  test('has the four parts and nothing that the format calls obsolete', () => {
    expect(Object.keys(services).sort()).toEqual(['api', 'kafka', 'processor', 'producer']);
    expect(compose).not.toHaveProperty('version');
  });

  test('runs one image for our three parts, as commands without a shell', () => {
    for (const name of ours) {
      expect(service(name)).toMatchObject({
        image: service('processor').image,
        build: { context: '.', target: 'tributary' },
        init: true,
      });
      const [program, file = ''] = service(name).command ?? [];
      expect(program).toBe('node');
      expect(existsSync(join(projectRoot, file))).toBe(true);
    }
    expect(ours.map((name) => service(name).command?.[1])).toEqual([
      'processor/logins/main.ts',
      'schema/logins/main.ts',
      'tools/producer/producer.ts',
    ]);
  });

  test('pins every image to a version', () => {
    expect(service('kafka').image).toBe('apache/kafka:4.3.1');
    for (const { image } of Object.values(services)) expect(image).toMatch(/:[^:]+$/);
    for (const { image } of Object.values(services)) expect(image).not.toMatch(/:latest$/);
  });

  test('the README says which Kafka it runs, and which `npm start` and the tests do', () => {
    const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(
      text('tools/local-kafka/pom.xml'),
    )?.[1];
    // Not the same while no image of the newer one is known to be out: docs/decisions/0025.
    expect({ version, image: service('kafka').image }).toEqual({ version: '4.4.0', image: 'apache/kafka:4.3.1' });
    expect(text('README.md')).toContain('run a broker 4.4.0, the compose files name 4.3.1');
  });

  test('an application that `npm create` makes starts the same Kafka', () => {
    const template: unknown = parse(text('create/template/compose.yml'));
    const { services: made } = z
      .object({ services: z.object({ kafka: z.object({ image: z.string() }) }) })
      .parse(template);
    expect(made.kafka.image).toBe(service('kafka').image);
  });

  test('lets the processor be scaled: nothing of it is one of a kind on the host', () => {
    const { container_name, hostname, ports, volumes: mounts, environment } = service('processor');
    expect({ container_name, hostname, ports }).toEqual({
      container_name: undefined,
      hostname: undefined,
      ports: undefined,
    });
    // Neither a named volume nor a path of the host: containers would share it.
    expect(mounts).toEqual([environment['STATE_DIR']]);
  });

  test('has a condition for everything that is waited for, and a health check behind each', () => {
    for (const [name, { depends_on = {} }] of Object.entries(services)) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        expect({ name, needed, condition, checked: service(needed).healthcheck !== undefined }).toEqual({
          name,
          needed,
          condition: 'service_healthy',
          checked: true,
        });
      }
    }
    for (const name of ours) expect(service(name).depends_on).toHaveProperty('kafka');
  });

  test('waits for no fixed time', () => {
    expect(text('docker-compose.yml').replaceAll(/#.*/g, '')).not.toMatch(/\bsleep\b|wait-for|nc -z/);
    for (const { command = [] } of Object.values(services)) expect(command.join(' ')).not.toMatch(/sleep/);
  });

  test('starts a failed part again, ten times', () => {
    for (const { restart } of Object.values(services)) expect(restart).toBe('on-failure:10');
  });

  test('asks whether Kafka answers requests, on the listener that the parts use', () => {
    const { healthcheck, environment } = service('kafka');
    expect(healthcheck?.test).toEqual([
      'CMD',
      '/opt/kafka/bin/kafka-broker-api-versions.sh',
      '--bootstrap-server',
      'kafka:19092',
    ]);
    expect(environment['KAFKA_ADVERTISED_LISTENERS']).toMatch(/^INTERNAL:\/\/kafka:19092,/);
    for (const name of ours) expect(service(name).environment['KAFKA_BROKERS']).toBe('kafka:19092');
  });

  test('gives Kafka the full set of what its image would set by itself, and its data a volume', () => {
    const { environment, volumes: mounts = [] } = service('kafka');
    for (const name of [
      'CLUSTER_ID',
      'KAFKA_NODE_ID',
      'KAFKA_PROCESS_ROLES',
      'KAFKA_LISTENERS',
      'KAFKA_ADVERTISED_LISTENERS',
      'KAFKA_LISTENER_SECURITY_PROTOCOL_MAP',
      'KAFKA_INTER_BROKER_LISTENER_NAME',
      'KAFKA_CONTROLLER_LISTENER_NAMES',
      'KAFKA_CONTROLLER_QUORUM_VOTERS',
      'KAFKA_LOG_DIRS',
    ]) {
      expect({ name, value: environment[name] }).toEqual({ name, value: expect.anything() });
    }
    for (const name of [
      'KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR',
      'KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR',
      'KAFKA_TRANSACTION_STATE_LOG_MIN_ISR',
      'KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR',
      'KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR',
    ]) {
      expect({ name, value: environment[name] }).toEqual({ name, value: 1 });
    }
    const names = (list: unknown): string[] =>
      String(list)
        .split(',')
        .map((entry) => entry.split(':')[0] as string)
        .sort();
    expect(names(environment['KAFKA_LISTENERS'])).toEqual(names(environment['KAFKA_LISTENER_SECURITY_PROTOCOL_MAP']));
    // 16 bytes in URL-safe base64; a leading dash would be read as an option.
    expect(environment['CLUSTER_ID']).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{20}[AQgw]$/);
    expect(mounts).toEqual([`kafka-data:${environment['KAFKA_LOG_DIRS']}`]);
    expect(volumes).toHaveProperty('kafka-data');
  });

  test('shows ports to this machine alone', () => {
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(service('api').ports).toEqual(['127.0.0.1:${PORT:-4000}:4000']);
    expect(service('api').environment).toMatchObject({ HOST: '0.0.0.0', PORT: 4000 });
  });

  test('gives our parts no more rights than they need', () => {
    for (const name of ours) {
      expect(service(name)).toMatchObject({
        read_only: true,
        tmpfs: ['/tmp'],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
  });

  test('gives each part the time to stop that it takes for itself', () => {
    const closeTimeout = Number(
      /CLOSE_TIMEOUT_MS = ([\d_]+)/.exec(text('processor/logins/main.ts'))?.[1]?.replaceAll('_', ''),
    );
    const stopWithin = Number(
      /STOP_WITHIN_MS = ([\d_]+)/.exec(text('schema/logins/main.ts'))?.[1]?.replaceAll('_', ''),
    );
    const graceMs = (name: string): number => Number.parseInt(service(name).stop_grace_period, 10) * 1_000;
    expect(graceMs('processor')).toBeGreaterThan(closeTimeout);
    expect(graceMs('api')).toBeGreaterThan(stopWithin);
    expect(graceMs('kafka')).toBeGreaterThanOrEqual(20_000);
  });

  test('passes on only settings that there are', () => {
    const known = new Set(
      text('processor/logins/environment.ts')
        .match(/^ {2}[A-Z_]+(?=:)/gm)
        ?.map((name) => name.trim()),
    );
    expect(known.size).toBeGreaterThan(20);
    // Node's own.
    known.add('NODE_OPTIONS');
    for (const name of ours)
      for (const variable of Object.keys(service(name).environment)) expect(known).toContain(variable);
  });
});

describe('the health check of', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
    server = undefined;
  });

  /** Runs a check's own command against a server on this machine; its port is not ours to choose, so it is replaced. */
  async function check(name: 'processor' | 'api', status: number | null): Promise<number | null> {
    const [kind, program, ...args] = service(name).healthcheck?.test ?? [];
    expect([kind, program]).toEqual(['CMD', 'node']);
    const inside = String(service(name).environment[name === 'api' ? 'PORT' : 'PROCESSOR_PORT']);
    expect(args.join(' ')).toContain(`http://127.0.0.1:${inside}/ready`);
    let asked = '';
    const own = createServer((request, response) => {
      asked = request.url ?? '';
      response.writeHead(status ?? 200).end('{}');
    });
    server = own;
    const port = await new Promise<number>((resolve) =>
      own.listen(0, '127.0.0.1', () => resolve((own.address() as { port: number }).port)),
    );
    if (status === null) await new Promise((resolve) => own.close(resolve));
    const child = spawn(
      process.execPath,
      args.map((arg) => arg.replace(`:${inside}/`, `:${port}/`)),
      { stdio: 'ignore' },
    );
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    if (status !== null) expect(asked).toBe('/ready');
    return code;
  }

  test.each(['processor', 'api'] as const)(
    'the %s: 0 when it is ready, 1 when it is not or does not answer',
    async (name) => {
      expect(await check(name, 200)).toBe(0);
      server?.close();
      expect(await check(name, 503)).toBe(1);
      server?.close();
      expect(await check(name, null)).toBe(1);
    },
  );
});

describe('Dockerfile', () => {
  test('brings the Node that package.json pins, by its full version', () => {
    const { dependencies } = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(text('package.json')));
    expect(stage('base').from).toBe(`node:${dependencies['node']}-bookworm-slim`);
    for (const { from } of stages().values()) expect(stages().has(from) || /:\d+\.\d+\.\d+-/.test(from)).toBe(true);
  });

  test('runs as a user without rights, by a command without a shell', () => {
    const { instructions } = stage('tributary');
    expect(instructions).toContain('USER node');
    const after = instructions.slice(instructions.indexOf('USER node'));
    expect(after.filter((line) => /^(RUN|COPY|ADD)/.test(line))).toEqual([]);
    const command = /^CMD (.+)$/.exec(instructions.at(-1) ?? '')?.[1];
    expect(JSON.parse(command ?? '')).toEqual(['node', 'processor/logins/main.ts']);
  });

  test("makes the state directory the user's own before a volume is mounted there", () => {
    const stateDir = service('processor').environment['STATE_DIR'];
    expect(stage('tributary').instructions).toContain(`RUN install -d -o node -g node ${stateDir}`);
  });

  test('installs what the lock file says, mends it, and leaves development out of the image', () => {
    expect(stage('packages').instructions).toEqual([
      'RUN npm ci --omit=dev --ignore-scripts && node tools/launcher/postinstall.mjs',
    ]);
    expect(stage('tributary').instructions.filter((line) => line.includes('npm '))).toEqual([]);
  });

  test.each([
    ['tributary', 'processor/logins/main.ts'],
    ['tributary', 'processor/streams/thread/stream-thread-worker.ts'],
    ['tributary', 'schema/logins/main.ts'],
    ['tributary', 'tools/producer/producer.ts'],
    ['base', 'tools/launcher/postinstall.mjs'],
    ['dashboard', 'tools/development/client-build.ts'],
  ])('has in %s every file that %s needs', (name, entry) => {
    const copied = copiedInto(name);
    const { files, packages } = importsOf(entry);
    if (entry === 'processor/logins/main.ts')
      expect(files).toEqual(
        expect.arrayContaining(['processor/logins/topology.ts', 'processor/streams/thread/stream-thread-worker.ts']),
      );
    expect(files.filter((file) => !isCopied(file, copied))).toEqual([]);
    const named = z.record(z.string(), z.string()).optional();
    const installed = ['.', ...workspaces].flatMap((folder) => {
      const { dependencies, optionalDependencies } = z
        .object({ dependencies: named, optionalDependencies: named })
        .parse(JSON.parse(text(join(folder, 'package.json'))));
      return Object.keys({ ...dependencies, ...optionalDependencies });
    });
    expect(packages.filter((found) => !installed.includes(found))).toEqual([]);
  });

  test('copies only what is there and what .dockerignore lets through', () => {
    const rules = text('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(rules[0]).toBe('*');
    const through = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
    for (const name of stages().keys()) {
      for (const source of copiedInto(name)) {
        expect({ source, isThere: existsSync(join(projectRoot, source)), through: isCopied(source, through) }).toEqual({
          source,
          isThere: true,
          through: true,
        });
      }
    }
    expect(rules).toEqual(expect.arrayContaining(['**/node_modules', '**/dist']));
  });
});

test('docker compose, where there is one, reads the file as meant', () => {
  if (spawnSync('docker', ['compose', 'version']).status !== 0) return;
  const run = spawnSync('docker', ['compose', '-f', 'docker-compose.yml', 'config', '--quiet'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
});
