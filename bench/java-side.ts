import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { findJava, javaEnvironment } from '../tools/local-kafka/java.ts';
import { projectRoot } from '../tools/command-line/project-root.ts';
import { BenchProcess } from './bench-process.ts';

const run = promisify(execFile);
const project = join(projectRoot, 'bench', 'java');
const cacheDir = join(projectRoot, '.data', 'bench-java');
const HEAP = '2g';

/** Jobs over events that lie under their keys, and the topology of each. */
export const KEYED_JOBS = {
  'count-by-key': 'bench/topologies/count-by-key.ts',
  'stream-table-join': 'bench/topologies/stream-table-join.ts',
  'stream-stream-join': 'bench/topologies/stream-stream-join.ts',
  sessions: 'bench/topologies/session-counts.ts',
} as const;

type KeyedJobName = keyof typeof KEYED_JOBS;

export interface JavaOptions {
  readonly job: 'count-by-state-and-device' | 'count-by-device' | 'consume' | 'consume-json' | KeyedJobName;
  readonly brokers: string;
  readonly topic: string;
  readonly threads: number;
  readonly [option: string]: string | number;
}

/** Starts a job of bench/java, building it first when its sources have changed. */
export async function startJava(options: JavaOptions): Promise<BenchProcess> {
  const classPath = await builtClassPath();
  const java = await findJava();
  const args = Object.entries(options).map(([name, value]) => `${name}=${String(value)}`);
  return new BenchProcess(java.path, [
    `-Xmx${HEAP}`,
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    classPath,
    'tributary.bench.Main',
    ...args,
  ]);
}

/** Built by Maven once for each state of the pom and the sources. @throws what Maven says. */
export async function builtClassPath(): Promise<string> {
  const sources = (await readdir(project, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('target'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const source of sources) hash.update(await readFile(source));
  const remembered = join(cacheDir, `class-path-${hash.digest('hex').slice(0, 16)}.txt`);
  const classes = join(project, 'target', 'classes');
  const known = await readFile(remembered, 'utf8').catch(() => '');
  if (known !== '' && known.split(delimiter).every((part) => existsSync(part))) return known;
  await mkdir(cacheDir, { recursive: true });
  const fresh = `${remembered}.${String(process.pid)}`;
  await run(
    'mvn',
    ['-B', '-q', '-f', join(project, 'pom.xml'), 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${fresh}`],
    { cwd: projectRoot, env: javaEnvironment(), maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: unknown) => {
    throw new Error(
      `Maven could not build bench/java: ` +
        `${typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : String(error)}`,
    );
  });
  const classPath = [classes, (await readFile(fresh, 'utf8')).trim()].join(delimiter);
  await writeFile(fresh, classPath);
  await rename(fresh, remembered);
  return classPath;
}
