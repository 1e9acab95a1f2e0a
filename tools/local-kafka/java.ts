import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode, threeWaysToKafka, UserError } from '../command-line/user-error.ts';

const run = promisify(execFile);
const oldestJava = 17;

export interface Java {
  readonly path: string;
  readonly majorVersion: number;
  /** All that `java -version` prints: it tells one build of Java from another. */
  readonly build: string;
}

/**
 * The environment of a Java process. Java reads and writes the names of files in the encoding of its locale: without
 * one, or with an ASCII one, a path with an umlaut is another path. Node's paths are UTF-8 always.
 */
export function javaEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return process.platform === 'linux' ? { ...env, LC_ALL: 'C.UTF-8' } : { ...env };
}

/**
 * The major version in what `java -version` prints: 17 of `17.0.15`, 8 of `1.8.0_412`; undefined when there is none.
 */
export function parseJavaMajorVersion(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** Finds Java in JAVA_HOME or on PATH. Throws a UserError when there is none or it is older than Kafka asks for. */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<Java> {
  const home = env['JAVA_HOME'];
  const path = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  let build: string;
  try {
    const { stdout, stderr } = await run(path, ['-version'], { env });
    build = `${stderr}${stdout}`;
  } catch (error) {
    const reason = errorCode(error) === 'ENOENT' ? 'is not there' : 'does not run';
    const where = path === 'java' ? 'java on PATH' : `${path} (JAVA_HOME)`;
    throw new UserError('JAVA_MISSING', `Java is missing: ${where} ${reason}. ${threeWaysToKafka}.`);
  }
  const majorVersion = parseJavaMajorVersion(build);
  if (majorVersion === undefined || majorVersion < oldestJava) {
    const found = majorVersion === undefined ? 'of unknown version' : String(majorVersion);
    throw new UserError(
      'JAVA_TOO_OLD',
      `Java ${found} is too old: Kafka needs Java ${oldestJava} or newer. ${threeWaysToKafka}.`,
    );
  }
  return { path, majorVersion, build };
}
