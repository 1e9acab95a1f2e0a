/** The examples, run through the TopologyTestDriver: what examples/README.md says they do, they do. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { TopologyTestDriver } from '@tributary/streams';
import { buildTopology as wordCount } from '../../examples/1-word-count/topology.ts';
import { drawChart } from '../../examples/2-windowed-chart/chart.ts';
import { buildTopology as windowedChart, type ChartRow } from '../../examples/2-windowed-chart/topology.ts';
import { versionCounts, type VersionLogin } from '../../examples/2-windowed-chart/version-counts.ts';
import { buildTopology as deduplicate } from '../../examples/3-custom-processor/topology.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';

/** A topic's records since the last call, as text. */
function texts(driver: TopologyTestDriver, topic: string): string[] {
  return driver.output(topic).map(({ key, value }) => `${key?.toString() ?? ''}=${value?.toString() ?? ''}`);
}

describe('1-word-count', () => {
  test('counts words over all partitions and writes each changed count', async () => {
    const driver = new TopologyTestDriver(wordCount({ input: 'lines', output: 'counts' }), {
      partitions: { lines: 4, counts: 4 },
    });
    await driver.pipe(
      'lines',
      { partition: 0, value: 'All streams lead to Kafka' },
      { partition: 3, value: 'all the streams, ALL' },
    );
    expect(driver.store<number>('word-counts')).toEqual(
      new Map([
        ['all', 3],
        ['streams', 2],
        ['lead', 1],
        ['to', 1],
        ['kafka', 1],
        ['the', 1],
      ]),
    );
    expect(texts(driver, 'counts')).toEqual(expect.arrayContaining(['all=3', 'streams=2', 'kafka=1']));

    await driver.pipe('lines', { value: 'Kafka' });
    expect(texts(driver, 'counts')).toEqual(['kafka=2']);
  });

  test('a record without a value is an empty line', async () => {
    const driver = new TopologyTestDriver(wordCount({ input: 'lines', output: 'counts' }));
    await driver.pipe('lines', { value: null }, { value: '' }, { value: '… --' });
    expect(driver.output('counts')).toEqual([]);
  });
});

describe('2-windowed-chart', () => {
  const AT_MS = Date.UTC(2026, 0, 1);
  const login = (version: string, device: string): string =>
    JSON.stringify({ app_version: version, device_type: device });
  const rowsOf = (driver: TopologyTestDriver): ChartRow[] =>
    driver.output('rows').map(({ value }) => JSON.parse(value?.toString() ?? '') as ChartRow);

  test('counts per version and window of event time', async () => {
    const driver = new TopologyTestDriver(windowedChart({ input: 'logins', output: 'rows', windowMs: 10_000 }));
    await driver.pipe(
      'logins',
      { value: login('2.3.0', 'android'), timestampMs: AT_MS },
      { value: login('2.3.0', 'iOS'), timestampMs: AT_MS + 9_999 },
      { value: login('2.3.0', 'android'), timestampMs: AT_MS + 10_000 },
      { value: login('2.4.0', 'android'), timestampMs: AT_MS + 10_000 },
    );
    expect(rowsOf(driver)).toEqual([
      { version: '2.3.0', windowStartMs: AT_MS, logins: 2, androids: 1 },
      { version: '2.3.0', windowStartMs: AT_MS + 10_000, logins: 1, androids: 1 },
      { version: '2.4.0', windowStartMs: AT_MS + 10_000, logins: 1, androids: 1 },
    ]);
  });

  test('puts aside what it cannot read, with the reason and the origin', async () => {
    const driver = new TopologyTestDriver(windowedChart({ input: 'logins', output: 'rows', windowMs: 10_000 }));
    await driver.pipe('logins', { value: 'no json' }, { value: '7' }, { value: null });
    expect(
      driver
        .output('rows-dlq')
        .map(
          ({ headers }) =>
            `${headers?.['__streams.errors.exception']?.toString()} ` +
            `${headers?.['__streams.errors.offset']?.toString()}`,
        ),
    ).toEqual(['NOT_JSON 0', 'NOT_OBJECT 1', 'NOT_JSON 2']);
    expect(driver.output('rows')).toEqual([]);
  });

  test('the aggregate keeps its promises: combining first and counting one by one come to the same', () => {
    const logins = Array.from({ length: 20 }, (_, i): VersionLogin => ({
      version: 'v',
      isAndroid: i % 3 === 0,
      timeMs: i,
    }));
    const sum = (part: readonly VersionLogin[]) =>
      part.reduce(
        (acc, value) => versionCounts.add(acc, value, { key: value.version, timestampMs: value.timeMs }),
        versionCounts.empty(),
      );
    const [a, b, c] = [logins.slice(0, 3), logins.slice(3, 11), logins.slice(11)];
    expect(versionCounts.merge(sum(c), versionCounts.merge(sum(a), sum(b)))).toEqual(sum(logins));
    expect(versionCounts.merge(sum(a), versionCounts.empty())).toEqual(sum(a));
    expect(versionCounts.serde.deserialize(versionCounts.serde.serialize(sum(b)))).toEqual(sum(b));
  });

  test('the chart shows the newest windows, bars to scale', () => {
    const row = (version: string, windowStartMs: number, logins: number): ChartRow => ({
      version,
      windowStartMs,
      logins,
      androids: logins / 2,
    });
    const chart = drawChart(
      [row('2.4.0', AT_MS + 20_000, 20), row('2.3.0', AT_MS + 20_000, 10), row('2.3.0', AT_MS, 99)],
      1,
    ).split('\n');
    expect(chart[0]).toBe('2026-01-01T00:00:20.000Z');
    expect(chart.slice(1).map((line) => [line.trim().split(' ')[0], line.split('█').length - 1])).toEqual([
      ['2.3.0', 20],
      ['2.4.0', 40],
    ]);
    expect(chart[1]).toContain('50 % Android');
    expect(drawChart([], 5)).toBe('');
  });
});

describe('3-custom-processor', () => {
  test('lets each event pass once, whatever came between', async () => {
    const driver = new TopologyTestDriver(deduplicate({ input: 'events', output: 'once' }), {
      partitions: { events: 3, once: 3 },
    });
    await driver.pipe('events', { key: 'a', value: '1' }, { key: 'b', value: '2' }, { key: 'a', value: '1' });
    await driver.pipe('events', { key: 'b', value: '2' }, { key: 'c', value: '3' });
    expect(texts(driver, 'once').sort()).toEqual(['a=1', 'b=2', 'c=3']);
  });
});

describe('shop', () => {
  const folder = join(projectRoot, 'examples', 'shop');

  test('its own tests pass, with nothing but Node', async () => {
    // Node's runner tells a runner inside of another one by this variable, and runs nothing then.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=spec'], {
      cwd: folder,
      env,
    }).catch((error: unknown) => error as { readonly stdout: string });
    expect(stdout).toMatch(/^ℹ fail 0$/m);
    expect(Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(10);
  });

  test('imports its own files, what its package.json names, and Node', () => {
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    const named = readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/from '([^']+)'/g)])
      .map(([, target = '']) => target)
      .filter((target) => !/^(\.\/[\w-]+\.ts$|node:)/.test(target));
    expect(named.length).toBeGreaterThan(5);
    const known = Object.keys(dependencies);
    expect(named.filter((target) => !known.some((name) => target === name || target.startsWith(`${name}/`)))).toEqual(
      [],
    );
  });
});

test('each example starts from the public names of the runtime alone, and is described in examples/README.md', () => {
  const readme = readFileSync(join(projectRoot, 'examples', 'README.md'), 'utf8');
  const folders = readdirSync(join(projectRoot, 'examples')).filter((name) => /^\d/.test(name));
  expect(folders.length).toBeGreaterThan(1);
  for (const folder of folders) {
    expect(readme).toContain(`examples/${folder}/main.ts`);
    expect(statSync(join(projectRoot, 'examples', folder, 'main.ts')).isFile()).toBe(true);
    for (const file of readdirSync(join(projectRoot, 'examples', folder)).filter(
      (name) => !name.endsWith('.test.ts'),
    )) {
      const source = readFileSync(join(projectRoot, 'examples', folder, file), 'utf8');
      for (const [, target = ''] of source.matchAll(/from '([^']+)'/g))
        expect({
          file,
          target,
          known: /^(\.\/|\.\.\/support\/|@tributary\/(streams|graphql)$|zod$|node:)/.test(target),
        }).toMatchObject({ known: true });
    }
  }
});
