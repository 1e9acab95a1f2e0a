import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createLiveApi } from '@tributary/graphql';
import { SILENT_LOGGER } from '../support/api-under-test.ts';
import { tables } from '../../examples/shop/tables.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { buildApplicationPage } from '../../tools/development/client-build.ts';
import { startTestBroker, type TestBroker } from '../support/broker.ts';
import { ShopRun } from '../support/shop-run.ts';
import { testPort } from '../support/test-port.ts';
import { found, until } from '../support/until.ts';
import {
  axeViolations,
  eventually,
  faultsOf,
  framesDrawn,
  launchBrowser,
  sidewaysOverflow,
  statusOf,
} from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';

/*
 * The page for any application, over the shop of examples/: it knows no table of it but by what its API tells.
 */

const STAFF = 'the token of those who may see customers';
const EVENTS = 1_500;
/** Some hours of orders in that many events. */
const ORDER_EVERY_MS = 30_000;

interface Api {
  readonly url: string;
  close(): Promise<void>;
}

type Answer = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

test('what a visitor downloads stays within 60 kB of scripts and 8 kB of styles, compressed', async () => {
  await buildApplicationPage();
  const assets = join(projectRoot, 'schema', 'live', 'pages', 'dist', 'assets');
  const sizes = { js: 0, css: 0 };
  for (const name of await readdir(assets)) {
    const kind = name.endsWith('.js') ? 'js' : 'css';
    sizes[kind] += gzipSync(await readFile(join(assets, name)), { level: 9 }).length;
  }
  expect(sizes.js).toBeGreaterThan(0);
  expect(sizes.js).toBeLessThanOrEqual(60_000);
  expect(sizes.css).toBeLessThanOrEqual(8_000);
});

describeInBrowser('the page for any application', () => {
  let broker: TestBroker;
  let shop: ShopRun;
  let port: number;
  let api: Api;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    await buildApplicationPage();
    browser = await launchBrowser();
    broker = await startTestBroker();
    shop = await ShopRun.open(broker.connection, 1, ORDER_EVERY_MS);
    await shop.processor();
    await shop.tell(EVENTS);
    port = await testPort();
    await startApi();
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
    await shop?.close();
    await broker?.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    page = await context.newPage();
  });
  afterEach(() => context?.close());

  /** On the same port each time, as one that was started again. */
  async function startApi(): Promise<void> {
    const made = createLiveApi<{ readonly isStaff: boolean }>({
      applicationId: 'shop',
      connection: broker.connection,
      logger: SILENT_LOGGER,
      tables,
      viewer: ({ headers, connectionParams }) => ({
        isStaff: (headers['authorization'] ?? connectionParams?.['authorization']) === `Bearer ${STAFF}`,
      }),
      allow: { customers: ({ isStaff }) => isStaff },
    });
    api = await made.listen({ port });
    await until(async () => (await fetch(`${api.url}/ready`)).ok, 'the API is ready');
  }

  async function ask(query: string): Promise<Answer> {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = (await response.json()) as { readonly data?: Answer; readonly errors?: unknown };
    if (data === undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** Rows of a page, as texts of these fields. */
  async function rowsOf(call: string, fields: readonly string[]): Promise<string[][]> {
    const { page: answer } = await ask(`{ page: ${call} { nodes { ${fields.join(' ')} } } }`);
    const nodes = answer?.['nodes'] as readonly Readonly<Record<string, unknown>>[];
    return nodes.map((node) => fields.map((field) => formatted(node[field])));
  }

  function formatted(value: unknown): string {
    return typeof value === 'number' ? new Intl.NumberFormat('en-US').format(value) : String(value);
  }

  /** The rows on screen, all of one frame. */
  async function shownRows(): Promise<string[][]> {
    const text = await page.evaluate<string>(
      "JSON.stringify([...document.querySelectorAll('.rows-table tr[data-row]')].map((row) => " +
        '[...row.cells].map((cell) => cell.textContent)))',
    );
    return JSON.parse(text) as string[][];
  }

  /** Texts, for a page's arrays are none of the test's own. */
  async function untilShown(rows: readonly string[][]): Promise<void> {
    await eventually(async () => JSON.stringify(await shownRows()), JSON.stringify(rows));
  }

  async function open(path = '/', drawn = '.rows-table tr[data-row]'): Promise<string[]> {
    const faults = faultsOf(page);
    await page.goto(api.url + path);
    await page.locator(drawn).first().waitFor();
    return faults;
  }

  const SKUS = ['sku', 'orders', 'cents', 'quantity'];

  test('every row is the API’s, in its order, and stays so as records come, without a reload', async () => {
    const faults = await open('/?table=skuTotals&order=-cents');
    await page.evaluate('window.notReloaded = true');
    for (let round = 0; round < 3; round += 1) {
      // Both sides move until the processor has counted what was told.
      await until(async () => {
        const expected = await rowsOf('skuTotalsPage(orderBy: { field: CENTS })', SKUS);
        return JSON.stringify(await shownRows()) === JSON.stringify(expected);
      }, 'the page shows the rows of the API');
      await shop.tell(100);
    }
    expect(await page.evaluate('window.notReloaded')).toBe(true);
    await statusOf(page)
      .filter({ hasText: /^Live$/ })
      .waitFor();
    expect(faults).toEqual([]);
  });

  test('the tables are listed with their rows; one is a link, and Back leads back', async () => {
    await open();
    expect(await page.getByRole('navigation', { name: 'Tables' }).locator('.table-name').allTextContents()).toEqual(
      Object.keys(tables),
    );
    for (const name of ['skuTotals', 'unpaidOrders']) {
      const { tables: copies } = await ask('{ tables { name rows } }');
      const rows = (copies as unknown as readonly { name: string; rows: number }[]).find(
        (one) => one.name === name,
      )?.rows;
      await page
        .locator(`[data-table-rows="${name}"]`)
        .filter({ hasText: `${formatted(rows)} rows` })
        .waitFor();
    }
    await page.getByRole('link', { name: /^skuTotals/ }).click();
    await page.getByRole('heading', { name: 'skuTotals' }).waitFor();
    await page.waitForURL(/table=skuTotals/);
    await page.goBack();
    await page.getByRole('heading', { name: 'countryHours' }).waitFor();
  });

  test('narrowed by how keys begin and by a condition, ordered by a column: the address reproduces it', async () => {
    await open('/?table=skuTotals');
    await page.getByRole('searchbox').fill('sku-1');
    await page.getByRole('button', { name: 'Add a condition' }).click();
    await page.getByRole('combobox', { name: 'Field' }).selectOption('quantity');
    await page.getByRole('combobox', { name: 'How quantity is compared' }).selectOption('gte');
    await page.getByRole('textbox', { name: 'Value of quantity' }).fill('10');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^orders/ }).click();
    await page.waitForURL(/where=quantity\.gte\.10/);
    const call =
      'skuTotalsPage(keys: { prefix: "sku-1" }, filter: { quantity: { gte: 10 } }, orderBy: { field: ORDERS })';
    const expected = await rowsOf(call, SKUS);
    expect(expected.length).toBeGreaterThan(2);
    await untilShown(expected);

    await page.goto(page.url());
    await untilShown(expected);
    expect(await page.getByRole('searchbox').inputValue()).toBe('sku-1');
    await page.getByRole('textbox', { name: 'Value of quantity' }).fill('ten');
    await page.keyboard.press('Enter');
    await page.getByText('A whole number, 0 or more.').waitFor();
    await page.getByRole('button', { name: 'Remove the condition on quantity' }).click();
    await page.waitForURL(({ searchParams }) => !searchParams.has('where'));
  });

  test('what is typed stays while rows change under it', async () => {
    await open('/?table=skuTotals&where=cents.gt.1');
    const value = page.getByRole('textbox', { name: 'Value of cents' });
    await value.fill('');
    await value.pressSequentially('12');
    const before = JSON.stringify(await shownRows());
    await shop.tell(100);
    await until(async () => JSON.stringify(await shownRows()) !== before, 'rows have changed');
    expect(await value.inputValue()).toBe('12');
    await value.pressSequentially('3');
    await page.keyboard.press('Tab');
    await page.waitForURL(/where=cents\.gt\.123/);
  });

  test('page by page all rows are there once, and the first page is live again', async () => {
    const total = async (): Promise<number> => {
      const { page: answer } = await ask('{ page: unpaidOrdersPage(first: 1) { totalCount } }');
      return Number(answer?.['totalCount']);
    };
    await until(async () => {
      if ((await total()) > 25) return true;
      await shop.tell(100);
      return false;
    }, 'more than one page is unpaid');
    let pages = 0;
    // An order may be paid, or become unpaid, between one page and the next: then once more.
    await until(async () => {
      await open('/?table=unpaidOrders&rows=25&order=placedAt');
      const [before, seen] = [await total(), new Map<string, number>()];
      for (pages = 1; ; pages += 1) {
        await page
          .getByTestId('range')
          .filter({ hasText: `Rows ${String(pages * 25 - 24)}–` })
          .waitFor();
        for (const [key = ''] of await shownRows()) seen.set(key, (seen.get(key) ?? 0) + 1);
        if (pages * 25 >= before) break;
        await page.getByRole('button', { name: 'Next' }).click();
      }
      return seen.size === before && [...seen.values()].every((times) => times === 1) && before === (await total());
    }, 'the pages together have each row once');
    await page.getByText('The first page is live.').waitFor();
    for (; pages > 1; pages -= 1) await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText(/^Live, by placedAt, oldest first\.$/).waitFor();
  });

  test('rows that leave are gone: what the page holds is what the API says, whatever is paid', async () => {
    await open('/?table=unpaidOrders&rows=100&order=placedAt');
    const gone = (await shownRows()).map(([key = '']) => key);
    await until(async () => {
      await shop.tell(50);
      const now = new Set((await shownRows()).map(([key = '']) => key));
      return gone.some((key) => !now.has(key));
    }, 'an order that was unpaid is paid');
    await until(async () => {
      const expected = await rowsOf('unpaidOrdersPage(first: 100, orderBy: { field: PLACEDAT, direction: ASC })', [
        'orderId',
      ]);
      const shown = (await shownRows()).map(([key = '']) => [key]);
      return JSON.stringify(shown) === JSON.stringify(expected);
    }, 'the page shows the unpaid orders of the API');
  });

  test('a table of windows as a chart: its table holds the API’s sums, the keyboard reads them', async () => {
    await open('/?table=countryHours&figure=cents', '.uplot');
    const nodes = async (): Promise<readonly { window: { start: string }; cents: number }[]> => {
      const all: { window: { start: string }; cents: number }[] = [];
      let after = 'null';
      for (;;) {
        const { page: answer } = await ask(
          `{ page: countryHoursPage(first: 100, after: ${after}) ` +
            '{ nodes { window { start } cents } pageInfo { endCursor hasNextPage } } }',
        );
        const found = answer as { nodes: typeof all; pageInfo: { endCursor: string; hasNextPage: boolean } };
        all.push(...found.nodes);
        const { endCursor, hasNextPage } = found.pageInfo;
        if (!hasNextPage) return all;
        after = JSON.stringify(endCursor);
      }
    };
    const sums = async (): Promise<string[]> => {
      const byStart = new Map<string, number>();
      for (const { window, cents } of await nodes())
        byStart.set(window.start, (byStart.get(window.start) ?? 0) + cents);
      return [...byStart].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, cents]) => formatted(cents));
    };
    await page.getByRole('slider', { name: 'cents by window' }).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toMatch(/^\d+ \w+, .+: All keys [\d,]+$/);

    await page.getByRole('button', { name: 'View as table' }).click();
    const cells = async (): Promise<string[]> =>
      (await page.locator('#chart tbody td').allTextContents()).filter((text) => text !== '–');
    const expected = await sums();
    expect(expected.length).toBeGreaterThan(3);
    expect(await eventually(cells, expected)).toEqual(expected);

    await page.getByRole('radio', { name: 'A line each for the largest keys' }).click();
    await page.waitForURL(/lines=keys/);
    await page.locator('#chart thead th').nth(5).waitFor();
    await page.getByRole('textbox', { name: 'Only these keys' }).fill('DE, FR');
    await page.keyboard.press('Enter');
    expect(await eventually(() => page.locator('#chart thead th').allTextContents(), ['Window', 'DE', 'FR'])).toEqual([
      'Window',
      'DE',
      'FR',
    ]);
  });

  test('operations: tasks where they run, the topology drawn and as its text, the copies of this API', async () => {
    await open('/?view=operations', '.topology-drawing');
    await page.locator('[data-task="0_0"] [data-task-state="RUNNING"]').waitFor();
    const { processor } = await ask('{ processor { topology } }');
    const topology = String(processor?.['topology']);
    const parts = topology.match(/Sub-topology: \d+/g)?.length ?? 0;
    expect(parts).toBeGreaterThan(2);
    expect(await page.locator('.topology-drawing .part').count()).toBe(parts);
    expect(await page.locator('.topology-drawing .node').count()).toBe(
      topology.match(/(Source|Processor|Sink): /g)?.length,
    );
    await page.locator('[data-topic="orders"]').waitFor();
    await page.getByRole('radio', { name: 'Text' }).click();
    expect((await page.getByRole('region', { name: 'Topology as text' }).textContent())?.trim()).toBe(topology.trim());
    for (const name of Object.keys(tables))
      await page.locator(`[data-copy="${name}"]`).filter({ hasText: 'complete' }).waitFor();
  });

  test('what a viewer may not see is said; with a token it is there, for this tab', async () => {
    await open('/?table=customers', '.problem');
    await page.getByRole('alert').filter({ hasText: 'FORBIDDEN' }).waitFor();
    expect(await shownRows()).toEqual([]);
    await page.getByRole('button', { name: 'Use an access token' }).click();
    await page.getByRole('textbox', { name: 'Access token' }).fill(STAFF);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.locator('.rows-table tr[data-row]').first().waitFor();
    await page.locator('.problem').waitFor({ state: 'detached' });
    await page.reload();
    await page.locator('.rows-table tr[data-row]').first().waitFor();
  });

  test('paused, rows stand still; resumed, the newest are there', async () => {
    await open('/?table=skuTotals&order=-cents');
    await page.getByRole('button', { name: 'Pause' }).click();
    const before = await shownRows();
    await shop.tell(200);
    await statusOf(page)
      .filter({ hasText: /^Paused, [1-9][\d,]* updates? held$/ })
      .waitFor();
    await framesDrawn(page);
    expect(await shownRows()).toEqual(before);
    await page.getByRole('button', { name: 'Resume' }).click();
    await until(async () => JSON.stringify(await shownRows()) !== JSON.stringify(before), 'newer rows are shown');
  });

  test('the API away: said, with the age of what is shown; back again, it goes on from its cursor', async () => {
    const kinds: string[] = [];
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        const kind = /"update":\{"kind":"(\w+)"/.exec(String(payload))?.[1];
        if (kind !== undefined) kinds.push(kind);
      });
    });
    await open('/?table=skuTotals&order=-cents');
    await api.close();
    await statusOf(page)
      .filter({ hasText: /^Offline, showing data as of/ })
      .waitFor();
    await page.locator('[data-stale-panel="rows"]').waitFor();
    expect((await shownRows()).length).toBeGreaterThan(0);
    expect(await axeViolations(page)).toEqual([]);
    await shop.tell(100);
    await startApi();
    await statusOf(page)
      .filter({ hasText: /^Live$/ })
      .waitFor();
    await until(async () => {
      const expected = await rowsOf('skuTotalsPage(orderBy: { field: CENTS })', SKUS);
      return JSON.stringify(await shownRows()) === JSON.stringify(expected);
    }, 'the page shows the rows of the API');
    expect(kinds.filter((kind) => kind === 'SNAPSHOT')).toHaveLength(1);
  });

  test('the file is what the table shows, with exact values', async () => {
    await open('/?table=skuTotals&prefix=sku-2');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('skuTotals.csv');
    const [header, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    expect(header).toBe('sku,orders,cents,quantity');
    expect(lines.map((line) => line.split(',')[0])).toEqual((await shownRows()).map(([key]) => key));
  });

  test('by keyboard alone: skip to the content, order by a column, pause', async () => {
    await open('/?table=skuTotals');
    const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.textContent.trim()');
    const tabTo = async (what: RegExp, key = 'Tab'): Promise<void> => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press(key);
        if (what.test(await focused())) return;
      }
      throw new Error(`${key} never led to ${String(what)}; it ended at "${await focused()}"`);
    };
    await tabTo(/^Skip to content$/);
    await page.keyboard.press('Enter');
    await tabTo(/^cents/);
    await page.keyboard.press('Enter');
    await page.locator('th[aria-sort="descending"]').filter({ hasText: 'cents' }).waitFor();
    await tabTo(/^Pause$/, 'Shift+Tab');
    await page.keyboard.press('Space');
    await statusOf(page)
      .filter({ hasText: /^Paused/ })
      .waitFor();
  });

  test('printed: rows and chart, no controls, nothing cut off', async () => {
    await open('/?table=countryHours&theme=dark', '.uplot');
    await page.emulateMedia({ media: 'print' });
    for (const gone of ['.tools', '.table-list', '.controls', '.filters', '.foot', '.operation'])
      await page.locator(gone).first().waitFor({ state: 'hidden' });
    await page.locator('.rows-table tr[data-row]').first().waitFor();
    await page.setViewportSize({ width: 720, height: 1000 });
    await framesDrawn(page);
    expect(await eventually(() => sidewaysOverflow(page), 0)).toBe(0);
  });

  describe('accessible by axe', () => {
    const VIEWS: readonly (readonly [path: string, drawn?: string])[] = [
      ['/?table=skuTotals&order=-cents'],
      ['/?table=unpaidOrders&where=cents.gt.100&where=placedAt.gt.x&where=customerId.prefix.c'],
      ['/?table=countryHours&lines=keys', '.uplot'],
      ['/?view=operations', '.topology-drawing'],
      ['/?table=customers', '.problem'],
      ['/?table=nothing', '#unknown-title'],
    ];
    test.each([
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
      ['dark', 360],
    ] as const)('%s, %i pixels wide', async (theme, width) => {
      await page.setViewportSize({ width, height: 900 });
      for (const [path, drawn] of VIEWS) {
        await open(`${path}&theme=${theme}`, drawn);
        await framesDrawn(page);
        expect([path, await axeViolations(page), await sidewaysOverflow(page)]).toEqual([path, [], 0]);
      }
    });
  });

  test('nothing that ticks is read out: no live region holds a figure', async () => {
    await open('/?table=skuTotals');
    await statusOf(page)
      .filter({ hasText: /^Live$/ })
      .waitFor();
    await shop.tell(50);
    const spoken = await found(
      async () =>
        page.evaluate<string[]>(
          "[...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')].map((element) => " +
            "element.textContent).filter((text) => text !== '')",
        ),
      'live regions',
    );
    expect(spoken).toEqual(['Live']);
  });
});
