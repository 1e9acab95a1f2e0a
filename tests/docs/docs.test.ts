/** The pages say what the code does: what can be compared is compared. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { parseEnvironment } from '../../processor/logins/environment.ts';
import { DEAD_LETTER_REASONS } from '../../processor/logins/login-record.ts';
import { parseStreamsConfig } from '@tributary/streams';
import { ERROR_TABLE } from '@tributary/streams/operations';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { internalTopics } from '../../tools/reset/reset-plan.ts';
import { workspaces } from '../support/link-modules.ts';
import { codeBlocks, codeSpans, localLinks, page, pages, tableRows } from '../support/markdown.ts';

const source = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const unquoted = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

const HOUSES = 'processor|schema|client|tools|tests|bench|examples|docs|deploy|patches';
/** A path of the project in running text: a house and something in it, or one of the files at the root. */
const PATH = new RegExp(
  `^((${HOUSES})/[\\w./+@-]*|\\.ci/\\w+|[\\w.-]+\\.(md|yml|mjs)|(package|tsconfig)\\.json|` +
    `Dockerfile|\\.[\\w.-]*ignore|\\.dependency-cruiser\\.mjs)$`,
);

describe.each(pages().map((found) => [found.path, found] as const))('%s', (_path, found) => {
  test('names and links to nothing that is not there', () => {
    const named = codeSpans(found).filter((span) => PATH.test(span));
    const missing = [...named, ...localLinks(found)].filter(
      (path) => path !== '' && !existsSync(join(projectRoot, path)),
    );
    expect(missing).toEqual([]);
  });

  test('names only commands that package.json has', () => {
    const scriptsOf = (manifest: string): object =>
      z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(source(manifest))).scripts;
    // The tutorial is of an application that the template has made.
    const ofTemplate = found.path === 'docs/tutorial.md' ? scriptsOf('create/template/package.json') : {};
    const scripts = { ...scriptsOf('package.json'), ...ofTemplate };
    const named = [...found.text.matchAll(/\bnpm run ([a-z-]+)|\bnpm (start|test)\b/g)].map(
      ([, run, short]) => run ?? short ?? '',
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('has no address of this machine and no trace of a registry', () => {
    expect(found.text).not.toMatch(/\/(work|home|root|Users)\/|registry\.npmjs|repo1?\.maven/);
  });
});

describe('docs/invariants.md', () => {
  const { text } = page('docs/invariants.md');
  const invariants = text.split(/^(?=\d+\. \*\*)/m).slice(1);

  test('says of each invariant which test, mutant or rule notices when it is broken', () => {
    expect(invariants.length).toBeGreaterThan(20);
    const without = invariants.filter((one) => !/^ +Noticed by: /m.test(one)).map((one) => one.slice(0, 40));
    expect(without).toEqual([]);
  });

  test('names only mutants and rules that there are', () => {
    const mutants = globSync('tests/mutants/*.ts', { cwd: projectRoot }).map(source).join('');
    const named = [...text.matchAll(/“([^”]+)”/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !mutants.includes(`name: '${name}'`))).toEqual([]);
    const rules = [...text.matchAll(/the rule ([a-z-]+)/g)].map(([, name = '']) => name);
    expect(rules.filter((name) => !source('.dependency-cruiser.mjs').includes(`name: '${name}'`))).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const rows = tableRows(page('docs/errors.md'));

  test('has every code of the runtime with its reaction, and no other', () => {
    expect(Object.fromEntries(rows.map(([code, reaction]) => [code, reaction]))).toEqual(ERROR_TABLE);
    expect(rows).toHaveLength(Object.keys(ERROR_TABLE).length);
  });

  test('says of each what happened and what to do', () => {
    for (const [code, , happened = '', remedy = ''] of rows)
      expect({ code, happened: happened.length > 20, remedy: remedy.length > 6 }).toEqual({
        code,
        happened: true,
        remedy: true,
      });
  });

  test('has every code of the API', () => {
    const codes = new Set(
      [
        'schema/live/graphql/api-error.ts',
        'schema/live/graphql/client-errors.ts',
        'schema/live/limits/request-limits.ts',
        'schema/live/graphql/graphql-sockets.ts',
        'schema/live/server/request-router.ts',
      ].flatMap((path) =>
        [...source(path).matchAll(/'([A-Z]{3,}(?:_[A-Z]+)+|FORBIDDEN|UNAUTHENTICATED)'/g)].map(([, code = '']) => code),
      ),
    );
    codes.delete('OPERATION_RESOLUTION_FAILURE'); // graphql-yoga's own name for what leaves here as another
    expect(codes.size).toBeGreaterThan(5);
    expect([...codes].filter((code) => !page('docs/errors.md').text.includes(code))).toEqual([]);
  });
});

describe('the environment', () => {
  const inCode = (source('processor/logins/environment.ts').match(/^ {2}[A-Z][A-Z_]+(?=: )/gm) ?? []).map((name) =>
    name.trim(),
  );

  test('is in docs/configuration.md and README.md, name by name', () => {
    expect(inCode.length).toBeGreaterThan(25);
    const documented = tableRows(page('docs/configuration.md'), 'The environment').map(([name]) => name);
    expect(documented).toEqual(inCode);
    const inReadme = tableRows(page('README.md'), 'Configure').flatMap(([names = '']) => unquoted(names).split(', '));
    expect(inReadme.toSorted()).toEqual(inCode.toSorted());
  });

  test('has the defaults that docs/configuration.md names', () => {
    const byName = Object.fromEntries(
      tableRows(page('docs/configuration.md'), 'The environment').map(([name = '', value]) => [name, unquoted(value)]),
    );
    const actual = parseEnvironment({}, false);
    expect(byName).toMatchObject({
      APPLICATION_ID: actual.applicationId,
      INPUT_TOPIC: actual.inputTopic,
      INPUT_PARTITIONS: String(actual.inputPartitions),
      DEAD_LETTER_TOPIC: actual.deadLetterTopic,
      LOCAL_KAFKA_PORT: String(actual.localKafkaPort),
      NUM_STREAM_THREADS: String(actual.numStreamThreads),
      NUM_STANDBY_REPLICAS: String(actual.numStandbyReplicas),
      PROCESSING_GUARANTEE: actual.processingGuarantee,
      COMMIT_INTERVAL_MS: String(actual.commitIntervalMs),
      MAX_RECORD_BYTES: String(actual.maxRecordBytes),
      HOST: actual.host,
      PORT: String(actual.port),
      GRAPHIQL: String(actual.graphiql),
      PROCESSOR_PORT: String(actual.processorPort),
      PRODUCER_RATE: String(actual.producerRate),
      LOG_LEVEL: actual.log.level,
    });
    expect(actual.stateDir).toBe(join(process.cwd(), '.data', 'state'));
    expect([byName['DATA_DIR'], byName['STATE_DIR']]).toEqual(['.data', '<DATA_DIR>/state']);
    expect(actual).toMatchObject({
      kafka: undefined,
      apiToken: undefined,
      internalReplicationFactor: undefined,
      allowedOrigins: [],
    });
  });

  test('takes the numbers that docs/configuration.md says, and none beyond', () => {
    const ranges = tableRows(page('docs/configuration.md'), 'The environment').flatMap(([name = '', , takes = '']) => {
      const [, least, most] = /(\d+) to (\d+)/.exec(takes) ?? [];
      return least === undefined ? [] : [{ name, least: Number(least), most: Number(most) }];
    });
    expect(ranges.map(({ name }) => name)).toEqual([
      'NUM_STREAM_THREADS',
      'NUM_STANDBY_REPLICAS',
      'COMMIT_INTERVAL_MS',
      'MAX_RECORD_BYTES',
    ]);
    const accepts = (name: string, value: number): boolean => {
      try {
        return parseEnvironment({ [name]: String(value) }, false) !== undefined;
      } catch {
        return false;
      }
    };
    for (const { name, least, most } of ranges)
      expect([name, ...[least - 1, least, most, most + 1].map((value) => accepts(name, value))]).toEqual([
        name,
        false,
        true,
        true,
        false,
      ]);
  });
});

test('docs/configuration.md has every setting of the runtime with its default', () => {
  const documented = Object.fromEntries(
    tableRows(page('docs/configuration.md'), 'The runtime').map(([name = '', value]) => [name, value]),
  );
  const defaults = parseStreamsConfig({ applicationId: 'a', stateDir: 's' });
  const inCode = source('processor/streams/streams-config.ts')
    .split('const SETTINGS')[1]
    ?.split('\n};')[0]
    ?.match(/^ {2}[a-zA-Z]+(?=:)/gm)
    ?.map((name) => name.trim());
  expect(Object.keys(documented).toSorted()).toEqual(inCode?.toSorted());
  for (const [name, value] of Object.entries(defaults))
    if (name !== 'applicationId' && name !== 'stateDir')
      expect({ name, value: documented[name] }).toEqual({ name, value: String(value) });
});

describe('docs/commit.md', () => {
  const steps = (text: string): number[] =>
    [...text.matchAll(/^ *\/\/ (\d)\. |(?<=\. {2})(\d)\. (?=Await)/gm)].map(([, a, b]) => Number(a ?? b));

  test('numbers the steps of the commit as the code does', () => {
    const { text } = page('docs/commit.md');
    const documented = [...(text.split('\n# ')[0] ?? '').matchAll(/^(\d)\. \*\*/gm)].map(([, number]) =>
      Number(number),
    );
    const inCode = [...source('processor/streams/task/commit.ts').matchAll(/(?:\/\/|\.) {1,2}(\d)\. [A-Z]/g)].map(
      ([, number]) => Number(number),
    );
    expect(inCode).toEqual([1, 2, 3, 4, 5, 6]);
    expect(documented).toEqual(inCode);
  });

  test('has the failure table of the code, row by row', () => {
    const inCode = [
      ...source('processor/streams/task/commit.ts').matchAll(/^ \* {3}(\d and \d) +\| (.+?) +\| (.+)$/gm),
    ].map(([, between, disk, restart]) => [between, disk, restart]);
    expect(inCode).toHaveLength(3);
    expect(tableRows(page('docs/commit.md'), 'What a death in between leaves behind')).toEqual(inCode);
  });

  test('numbers the steps of initialising a task as the code does', () => {
    const initialising = page('docs/commit.md').text.split('\n# Initialising a task\n')[1] ?? '';
    expect([...initialising.matchAll(/^(\d)\. \*\*/gm)].map(([, number]) => Number(number))).toEqual(
      steps(source('processor/streams/task/initialise-task.ts')),
    );
  });
});

describe('docs/file-map.md', () => {
  const listed = codeSpans(page('docs/file-map.md')).filter((span) => span.endsWith('.ts') && !span.includes('*'));
  const inStreams = readdirSync(join(projectRoot, 'processor', 'streams'), {
    recursive: true,
    encoding: 'utf8',
  }).filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith('tests/'));

  test('lists every file of the runtime, once, and none that is gone', () => {
    const expected = inStreams.toSorted();
    expect(listed.filter((path) => !path.includes('/') || !/^(schema|processor)\//.test(path)).toSorted()).toEqual(
      expected,
    );
  });

  test('has every folder that holds code', () => {
    const { text } = page('docs/file-map.md');
    const folders = [
      'schema',
      'schema/live',
      'schema/logins',
      'client/page',
      'client/shared',
      'client/src',
      'tests',
      'processor/streams/tests',
    ].flatMap((house) =>
      readdirSync(join(projectRoot, house), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${house}/${entry.name}/`),
    );
    const ofCode = folders.filter(
      (folder) =>
        !['client/src/generated/', 'tests/browser/page/'].includes(folder) &&
        readdirSync(join(projectRoot, folder)).length > 0,
    );
    expect(ofCode.filter((folder) => !text.includes(`\`${folder}\``))).toEqual([]);
  });
});

describe('docs/streams.md and its pages', () => {
  /** Where lines break is the formatter's business. */
  const flat = (code: string): string => code.replaceAll(/\s+/g, '').replaceAll(/,(?=[)\]}])/g, '');
  const guide = pages().filter(({ path }) => /^docs\/(streams|from-\w|streams\/)/.test(path));
  const blocks = guide.flatMap((found) => codeBlocks(found, 'ts'));
  const text = guide.map((found) => found.text).join('\n');

  test('shows code that stands in a file which is compiled and run; so does README.md', () => {
    for (const { code } of codeBlocks(page('README.md'), 'ts'))
      expect(flat(source('examples/1-word-count/topology.ts'))).toContain(flat(code));
    expect(blocks.length).toBeGreaterThan(25);
    for (const { file, code } of blocks) {
      expect(file).toMatch(/^(examples|tests)\/.+\.ts$/);
      expect(flat(source(file ?? ''))).toContain(flat(code));
    }
  });

  test('has every page in its table of contents, and links to headings that there are', () => {
    const linked = new Set(localLinks(page('docs/streams.md')));
    expect(guide.map(({ path }) => path).filter((path) => path !== 'docs/streams.md' && !linked.has(path))).toEqual([]);
    const anchors = new Map(
      guide.map((found) => [
        found.path,
        new Set(
          [...found.text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
            heading
              .toLowerCase()
              .replaceAll(/[^\w -]/g, '')
              .replaceAll(' ', '-'),
          ),
        ),
      ]),
    );
    const broken = guide.flatMap((found) =>
      [...found.text.matchAll(/\]\(([^)#\s]*)#([^)\s]+)\)/g)].flatMap(([, file = '', anchor = '']) => {
        const target = file === '' ? found.path : join(dirname(found.path), file);
        return (anchors.get(target)?.has(anchor) ?? true) ? [] : [`${found.path}: ${file}#${anchor}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  test('names only methods that there are', () => {
    const streams =
      source('processor/streams/topology/dsl-types.ts') +
      source('processor/streams/topology/streams-builder.ts') +
      source('processor/streams/topology/windows.ts');
    for (const method of [
      'stream',
      'filter',
      'filterType',
      'map',
      'mapValues',
      'flatMap',
      'flatMapValues',
      'peek',
      'branch',
      'merge',
      'groupBy',
      'groupByKey',
      'windowedBy',
      'count',
      'reduce',
      'aggregate',
      'toStream',
      'to',
      'late',
      'deadLetters',
      'process',
      'tumbling',
      'hopping',
    ]) {
      expect(streams).toMatch(new RegExp(`\\b${method}(<[^(]*>)?\\(`));
      expect(text).toContain(method);
    }
  });
});

test('docs/operations.md names the metrics that there are, and every reason of a dead letter', () => {
  const { text } = page('docs/operations.md');
  const inCode = source('processor/streams/streams-metrics.ts') + source('schema/live/operations/api-metrics.ts');
  const named = [...new Set(text.match(/tributary_[a-z_]*[a-z]/g))];
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((metric) => metric !== 'tributary_api' && !inCode.includes(`'${metric}'`))).toEqual([]);
  expect(DEAD_LETTER_REASONS.filter((reason) => !text.includes(reason))).toEqual([]);
});

test('docs/operations.md deletes the topics of the application, and of no other one', () => {
  const pattern = /--delete --topic '([^']+)'/.exec(page('docs/operations.md').text)?.[1];
  const topics = (applicationId: string): string[] =>
    internalTopics({ applicationId, inputTopic: 'user-login', deadLetterTopic: 'user-login-dlq' });
  // Kafka's tool takes a topic whose whole name matches.
  const matches = (topic: string): boolean => new RegExp(`^(?:${pattern})$`).test(topic);
  expect(topics('tributary-logins').filter((topic) => !matches(topic))).toEqual([]);
  expect(
    [
      ...topics('tributary-logins-test'),
      ...topics('tributary-logins-offsets'),
      'user-login',
      'tributary-logins-input',
    ].filter(matches),
  ).toEqual([]);
});

test('docs/decisions/README.md lists every note, in order', () => {
  const notes = readdirSync(join(projectRoot, 'docs', 'decisions'))
    .filter((name) => /^\d{4}-/.test(name))
    .sort();
  expect(notes.map((name) => name.slice(0, 4))).toEqual(notes.map((_, index) => String(index + 1).padStart(4, '0')));
  expect(localLinks(page('docs/decisions/README.md'))).toEqual(notes.map((name) => `docs/decisions/${name}`));
  const named = z.record(z.string(), z.string()).default({});
  const dependencies = ['.', ...workspaces].flatMap((folder) => {
    const manifest = z
      .object({
        dependencies: named,
        optionalDependencies: named,
        peerDependencies: named,
        peerDependenciesMeta: z.record(z.string(), z.unknown()).default({}),
      })
      .parse(JSON.parse(source(join(folder, 'package.json'))));
    // A peer that need not be there is brought by those who use that part; types are for the compiler alone.
    const peers = Object.keys(manifest.peerDependencies).filter((name) => name in manifest.peerDependenciesMeta);
    return [
      ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
      ...peers.filter((name) => !name.startsWith('@types/')),
    ];
  });
  const outside = new Set(dependencies.filter((name) => !name.startsWith('@tributary/')));
  const libraries = tableRows(page('docs/decisions/0007-libraries.md')).flatMap(([names = '']) => names.split(', '));
  expect(libraries.toSorted()).toEqual([...outside].toSorted());
});

test('README.md shows the pictures that there are', () => {
  const folder = join(projectRoot, 'docs', 'screenshots');
  const pictures = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^(dashboard-light|dashboard|live)\.(png|gif|webp)$/.test(name))
    : [];
  const shown = localLinks(page('README.md'));
  expect(pictures.map((name) => `docs/screenshots/${name}`).filter((path) => !shown.includes(path))).toEqual([]);
});
