/** The shop of examples/ where it could be as well: in a folder elsewhere, with the packages from their tarballs. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { postGraphql } from '../support/api-under-test.ts';
import { startTestBroker } from '../support/broker.ts';
import { testPort } from '../support/test-port.ts';
import { until } from '../support/until.ts';
import { installPackages, type InstalledPackages } from './installed-packages.ts';

const run = promisify(execFile);
/** The Node that runs it: `PACKAGES_NODE=/path/to/node` tries another, down to 22.18. */
const NODE = process.env['PACKAGES_NODE'] ?? process.execPath;
let installed: InstalledPackages;

/** What a program says, whether it fails or not. */
async function said(program: string, args: readonly string[]): Promise<string> {
  // Node's runner tells a runner inside of another one by this variable, and runs nothing then.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout, stderr } = await run(program, args, { cwd: installed.root, env }).catch(
    (error: unknown) => error as { readonly stdout: string; readonly stderr: string },
  );
  return stdout + stderr;
}

beforeAll(async () => {
  installed = await installPackages(join(projectRoot, 'examples', 'shop'));
});
afterAll(() => installed?.remove());

test('it finds the packages beside it, and nothing of the repository', () => {
  for (const name of ['@tributary/streams', '@tributary/graphql', 'zod', 'graphql'])
    expect(realpathSync(join(installed.root, 'node_modules', name)).startsWith(realpathSync(installed.root))).toBe(
      true,
    );
});

test('it compiles against them by its own tsconfig.json', async () => {
  expect(await said(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
});

test('its tests pass', async () => {
  const told = await said(NODE, ['--test', '--test-reporter=spec']);
  expect(told).toMatch(/^ℹ fail 0$/m);
  expect(Number(/^ℹ pass (\d+)$/m.exec(told)?.[1])).toBeGreaterThan(10);
});

test('one command starts all of it against a broker, and one signal ends it', async () => {
  const broker = await startTestBroker({ heap: '384m' });
  const url = `http://127.0.0.1:${String(await testPort())}`;
  const shop = spawn(NODE, ['start.ts', '--past', '1'], {
    cwd: installed.root,
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: broker.brokers.join(','),
      PORT: new URL(url).port,
      SHOP_STAFF_TOKEN: 'secret',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    const counts = `{
      countryHoursPage { totalCount } skuTotalsPage { totalCount } customerTotalsPage { totalCount }
      unpaidOrdersPage { totalCount }
    }`;
    await until(async () => {
      const { data } = await postGraphql(url, { query: counts }).catch(() => ({ data: undefined }));
      const pages = Object.values((data ?? {}) as Record<string, { readonly totalCount: number }>);
      return pages.length === 4 && pages.every(({ totalCount }) => totalCount > 0);
    }, 'its API has rows of every table');

    const best = { query: '{ customerTotalsPage(first: 9) { nodes { cents customer { name } } } }' };
    const asStaff = await postGraphql(url, best, { authorization: 'Bearer secret' });
    expect(JSON.stringify(asStaff.data)).toContain('"name":"');
    const asAnybody = await postGraphql(url, best);
    expect(JSON.stringify(asAnybody.data)).toMatch(/"cents":\d+,"customer":null/);
    expect(new Set(asAnybody.codes)).toEqual(new Set(['FORBIDDEN']));
    expect((await fetch(`${url}/`)).headers.get('content-type')).toMatch(/^text\/html/);

    shop.kill('SIGTERM');
    expect(await once(shop, 'exit')).toEqual([0, null]);
  } finally {
    shop.kill('SIGKILL');
    await broker.stop();
  }
});
