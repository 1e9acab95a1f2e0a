/**
 * Runs the Java demos on Kafka Streams' own TopologyTestDriver, and writes into each file of `vectors/` what came out
 * of its records. It needs Java 17 and Maven; `npm run format` afterwards. No test runs it: they read the files.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const folder = import.meta.dirname;
const built = join(folder, '..', '..', '.data', 'from-java');
const classPathFile = join(built, 'class-path.txt');

const maven = ['-B', '-q', '-f', join(folder, 'pom.xml'), 'compile', 'dependency:build-classpath'];
execFileSync('mvn', [...maven, `-Dmdep.outputFile=${classPathFile}`], { stdio: 'inherit' });

const classPath = [join(built, 'classes'), readFileSync(classPathFile, 'utf8').trim()].join(delimiter);
const files = globSync(join(folder, 'vectors', '*.json')).sort();
execFileSync('java', ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, 'RunDemos', ...files], {
  stdio: 'inherit',
});
