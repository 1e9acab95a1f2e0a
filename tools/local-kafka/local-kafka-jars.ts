import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from '@tributary/streams';
import { javaEnvironment } from './java.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { errorCode, threeWaysToKafka, UserError } from '../command-line/user-error.ts';

const run = promisify(execFile);
const pomPath = join(projectRoot, 'tools/local-kafka/pom.xml');
/**
 * Not under DATA_DIR: what is here depends on the pom and on Java alone, and every broker of this checkout shares it.
 */
export const jarCacheDir: string = join(projectRoot, '.data', 'kafka-jars');

/**
 * The class path of the pinned Kafka. Maven downloads the jars into its own repository the first time; afterwards the
 * remembered list is used, without Maven and without a network, for as long as the pom is the same and no jar is gone.
 */
export async function kafkaClassPath(log: Logger, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const pomDigest = createHash('sha256')
    .update(await readFile(pomPath))
    .digest('hex')
    .slice(0, 16);
  const remembered = join(jarCacheDir, `class-path-${pomDigest}.txt`);
  const known = await readFile(remembered, 'utf8').catch(() => '');
  if (known !== '' && known.split(delimiter).every((jar) => existsSync(jar))) return known;

  log.info({}, 'Fetching the jars of Apache Kafka with Maven (once)');
  await mkdir(jarCacheDir, { recursive: true });
  const fresh = `${remembered}.${process.pid}`;
  const goals = [
    '-B',
    '-q',
    '-f',
    pomPath,
    'dependency:build-classpath',
    `-Dmdep.outputFile=${fresh}`,
    '-DincludeScope=runtime',
  ];
  await run('mvn', goals, { env: javaEnvironment(env), cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 }).catch(
    (error: unknown) => {
      throw mavenFailure(error);
    },
  );
  const classPath = (await readFile(fresh, 'utf8')).trim();
  await writeFile(fresh, classPath);
  await rename(fresh, remembered);
  return classPath;
}

function mavenFailure(error: unknown): Error {
  if (errorCode(error) === 'ENOENT') {
    return new UserError('MAVEN_MISSING', `Maven is missing: mvn is not on PATH. ${threeWaysToKafka}.`);
  }
  const output = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : '';
  const reason = firstMavenError(output) ?? String(error).split('\n')[0];
  return new UserError('MAVEN_FAILED', `Maven could not fetch the jars of Kafka: ${reason}`);
}

/** The first line that Maven marks as an error, without the mark. */
export function firstMavenError(output: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- Maven colours its marks
  const plain = output.replace(/\u001b\[[0-9;]*m/g, '');
  return /^\[ERROR\] (.+)$/m.exec(plain)?.[1];
}
