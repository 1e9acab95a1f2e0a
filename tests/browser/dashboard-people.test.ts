import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import {
  axeViolations,
  eventually,
  framesDrawn,
  launchBrowser,
  sidewaysOverflow,
  statusOf,
  untilFigure,
} from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { LiveSystem } from './live-system.ts';

/** Codes of the states in the table, as the page shows them. */
const ROWS_SHOWN = "[...document.querySelectorAll('tr[data-row]')].map((row) => row.dataset.row).join(' ')";

describeInBrowser('people and the dashboard', () => {
  let system: LiveSystem;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
    system = await LiveSystem.start();
    await system.publish(2_000);
    await system.settled();
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      colorScheme: 'light',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    page = await context.newPage();
  });
  afterEach(() => context.close());

  async function open(path = '/'): Promise<void> {
    await page.goto(system.url + path);
    for (const drawn of path.includes('operations') ? ['[data-task]'] : ['.uplot', '[data-figure="total"]'])
      await page.locator(drawn).first().waitFor();
  }

  /** The page moves the focus with a frame of its own, as when it gives it back after a panel has gone. */
  async function untilFocused(on: string): Promise<void> {
    expect(await eventually(focused, on)).toBe(on);
  }

  /** Waits until that is so in the page, and fails with what was so last. */
  async function untilSo<T>(expression: string, value: T): Promise<void> {
    expect([expression, await eventually(() => page.evaluate<T>(expression), value)]).toEqual([expression, value]);
  }

  /** The focused element in a few words: its state, its text, or its label. */
  async function focused(): Promise<string> {
    return page.evaluate<string>(
      "((element) => element.dataset.state ?? element.getAttribute('aria-label') ?? " +
        'element.textContent.trim())(document.activeElement)',
    );
  }

  async function tabTo(what: RegExp, key = 'Tab'): Promise<void> {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press(key);
      if (what.test(await focused())) return;
    }
    throw new Error(`${key} never led to ${String(what)}; it ended at "${await focused()}"`);
  }

  test('by keyboard alone: skip to the content, pick a range, read the chart, find a state, come back', async () => {
    await open();
    await page.keyboard.press('Tab');
    await untilFocused('Skip to content');
    await page.keyboard.press('Enter');
    await untilSo('document.activeElement.id', 'main');

    await tabTo(/^last hour$/);
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/range=15m/);

    await tabTo(/^Logins by device type/);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    const spoken = (await page.getByRole('slider').getAttribute('aria-valuetext')) ?? '';
    expect(spoken).toMatch(/^\d\d:\d\d–\d\d:\d\d.*: iOS [\d,]+, Android [\d,]+, Other [\d,]+$/);
    const counts = spoken.match(/(?<=iOS |Android |Other )[\d,]*\d/g) ?? [];
    await page
      .locator('.readout[data-hovered="true"]')
      .filter({ hasText: new RegExp(counts.join('.*')) })
      .first()
      .waitFor();

    await tabTo(/^CA$/);
    await page.keyboard.press('ArrowRight');
    await untilFocused('UT');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Utah' }).waitFor();
    expect(new URL(page.url()).searchParams.get('state')).toBe('UT');
    await untilFocused('Utah');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Utah' }).waitFor({ state: 'detached' });
    await untilFocused('UT');
    await page.waitForURL(({ searchParams }) => !searchParams.has('state'));
  });

  test('by keyboard alone: compare shares, sort and filter the table, pause, switch the theme', async () => {
    await open();
    await tabTo(/^CA$/);
    await tabTo(/^Logins$|^$/, 'Shift+Tab');
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/measure=ios/);
    await page.locator('.map[data-measure="ios"]').first().waitFor();

    await page.getByRole('searchbox').focus();
    await page.keyboard.type('virginia');
    await page.locator('tr[data-row="TX"]').waitFor({ state: 'detached' });
    await untilSo("document.querySelectorAll('tr[data-row]').length", 2);
    await tabTo(/^State/);
    await page.keyboard.press('Enter');
    await page.locator('th[aria-sort="ascending"]').waitFor();
    await untilSo(ROWS_SHOWN, 'VA WV');

    await tabTo(/^Pause$/, 'Shift+Tab');
    await page.keyboard.press('Space');
    await statusOf(page)
      .filter({ hasText: /^Paused/ })
      .waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('d');
    await page.waitForURL(/theme=dark/);
    await untilSo('getComputedStyle(document.documentElement).colorScheme', 'dark');
  });

  test('by keyboard alone: through the rows of the table, export what is shown, share the link', async () => {
    await open('/?sort=name');
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('new');
    await page.locator('tr[data-row="TX"]').waitFor({ state: 'detached' });
    await tabTo(/^Download CSV$/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(
      (await readFile(await download.path(), 'utf8'))
        .trim()
        .split('\r\n')
        .map((line) => line.slice(0, 2)),
    ).toEqual(['co', 'NH', 'NJ', 'NM', 'NY']);

    // One row is a stop of the Tab key; arrows lead on.
    await tabTo(/^New Hampshire NH$/);
    await page.keyboard.press('ArrowDown');
    await untilFocused('New Jersey NJ');
    await page.keyboard.press('End');
    await untilFocused('New York NY');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'New York' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'New York' }).waitFor({ state: 'detached' });
    await untilFocused('New York NY');

    await tabTo(/^Copy link$/, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    await untilSo('navigator.clipboard.readText()', `${system.url}/?sort=name&filter=new`);
  });

  test('by mouse: pick a range, find a state, compare shares, export, pause, switch theme, share', async () => {
    await open();
    await page.getByRole('radio', { name: 'last 15 minutes' }).click();
    await page.waitForURL(/range=15m/);
    await page.getByRole('radio', { name: 'iOS share' }).click();
    await page.locator('.map[data-measure="ios"]').first().waitFor();
    await page
      .locator('[data-state="CA"] .tile-value')
      .filter({ hasText: /^\d+%$/ })
      .waitFor();
    await page.locator('[data-state="CA"]').hover();
    await page
      .locator('.map-readout')
      .filter({
        hasText:
          /^California: [\d,]+ logins, [\d.]+% iOS, [\d.]+% Android\. GDP \$\d\.\d\d trillion, high; .* [\d.]+% iOS\.$/,
      })
      .waitFor();
    await page.getByRole('radio', { name: 'GDP class' }).click();
    await page.waitForURL(/measure=gdp/);
    await page.locator('[data-state="CA"].shade-5').waitFor();
    await page.locator('[data-state="WY"].shade-1').waitFor();

    await page.locator('[data-state="CA"]').click();
    await page.getByRole('heading', { name: 'California' }).waitFor();
    await page
      .locator('[data-finding="peers"]')
      .filter({ hasText: /^The 14 high-GDP states together: / })
      .waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('heading', { name: 'California' }).waitFor({ state: 'detached' });

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ]);
    expect((await readFile(await download.path(), 'utf8')).trim().split('\r\n')).toHaveLength(52);
    await page.getByRole('button', { name: 'Pause' }).click();
    await statusOf(page)
      .filter({ hasText: /^Paused/ })
      .waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('combobox', { name: 'Theme' }).selectOption('dark');
    await page.waitForURL(/theme=dark/);
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const link = await page.evaluate<string>('navigator.clipboard.readText()');
    await page.goto(link);
    await page.locator('.map[data-measure="gdp"]').first().waitFor();
    await page.getByRole('radio', { name: 'last 15 minutes', checked: true }).waitFor({ state: 'attached' });
    expect(await eventually(() => page.getByRole('combobox', { name: 'Theme' }).inputValue(), 'dark')).toBe('dark');
  });

  test("two charts, one cursor: the page's and the state's show the same moment", async () => {
    await page.setViewportSize({ width: 1600, height: 900 });
    await open('/?state=CA&range=15m');
    await page.locator('.state-panel .uplot').waitFor();
    await page.locator('#time .u-over').hover({ position: { x: 150, y: 60 } });
    const moments = page.locator('.readout[data-hovered="true"] .readout-when');
    await moments.nth(1).waitFor();
    const same = async (): Promise<boolean> => new Set(await moments.allTextContents()).size === 1;
    expect([await eventually(same, true), await moments.allTextContents()]).toEqual([
      true,
      [expect.any(String), expect.any(String)],
    ]);
  });

  test('on a wall: the whole screen, larger, without controls; Esc leads back', async () => {
    await open();
    const letters = "parseFloat(getComputedStyle(document.querySelector('[data-figure=total]')).fontSize)";
    await page.getByRole('button', { name: 'Wall' }).click();
    await page.waitForURL(/wall=1/);
    await untilSo('document.fullscreenElement === document.documentElement', true);
    for (const gone of ['#table', '#time .controls', '.foot', 'nav'])
      await page.locator(gone).waitFor({ state: 'hidden' });
    for (const there of [
      '[data-figure="total"]',
      '#time .uplot',
      '[data-state="CA"]',
      '[data-finding="top"]',
      '[data-testid="status"]',
    ])
      await page.locator(there).waitFor();
    await page.setViewportSize({ width: 2560, height: 1440 });
    await untilSo(`${letters} > 60`, true);
    await framesDrawn(page);
    await untilSo('document.documentElement.scrollHeight <= innerHeight', true);
    await page.evaluate('document.exitFullscreen()');
    await page.locator('#table').waitFor();
    await page.waitForURL(({ searchParams }) => !searchParams.has('wall'));
  });

  test('printed: the figures and the chart, no controls, nothing cut off', async () => {
    await open('/?theme=dark');
    await page.emulateMedia({ media: 'print' });
    for (const gone of ['.tools', 'nav', '.controls', '.foot', '.figure-foot .plain'])
      await page.locator(gone).first().waitFor({ state: 'hidden' });
    await page.locator('tr[data-row="WY"]').waitFor();
    // Ink on paper, whatever the screen was.
    await untilSo('getComputedStyle(document.documentElement).colorScheme', 'light');
    await page.setViewportSize({ width: 720, height: 1000 });
    await framesDrawn(page);
    expect(await eventually(() => sidewaysOverflow(page), 0)).toBe(0);
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBeLessThanOrEqual(5);
  });

  test('a link reproduces the view, and Back closes what was opened', async () => {
    await open('/?state=CA&range=6h&mode=share&measure=android&theme=dark&hide=other&filter=new&sort=name');
    const { nodes } = (await system.settled()).states;
    await page.getByRole('heading', { name: 'California' }).waitFor();
    await untilFigure(page, 'state-total', nodes.find((state) => state.code === 'CA')?.devices.total ?? -1);
    for (const name of ['last 6 hours', 'Share', 'Android share'])
      await page.getByRole('radio', { name, exact: true, checked: true }).waitFor({ state: 'attached' });
    await page
      .getByRole('group', { name: 'Lines shown' })
      .first()
      .getByRole('button', { name: 'Other', pressed: false })
      .waitFor();
    await untilSo(ROWS_SHOWN, 'NH NJ NM NY');

    await page.locator('tr[data-row="NY"] button').click();
    await page.getByRole('heading', { name: 'New York' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'California' }).waitFor();
    await page.waitForURL(/range=6h/);
  });

  test('by mouse: exact values under the pointer, a line switched off, the chart as a table', async () => {
    await open('/?range=15m');
    const { totals } = (await system.settled()).states;
    await page.locator('.u-over').hover({ position: { x: 200, y: 60 } });
    await page.locator('.readout[data-hovered="true"]').waitFor();
    await page.getByRole('group', { name: 'Lines shown' }).getByRole('button', { name: 'Other' }).click();
    await page.waitForURL(/hide=other/);

    await page.getByRole('button', { name: 'View as table' }).click();
    const rows = page.locator('.series-figure tbody tr');
    await rows.first().waitFor();
    const cells = await page.evaluate<number[]>(
      "[...document.querySelectorAll('.series-figure tbody tr')].map((row) => " +
        "Number(row.cells[4].textContent.replaceAll(',', '')))",
    );
    const { dataQuality } = await system.settled();
    // All were published within the quarter of an hour; a login without a usable time counts when it was published.
    const inSeries = cells.reduce((sum, cell) => sum + cell, 0);
    expect(inSeries).toBeGreaterThan(totals.total * 0.9);
    expect(inSeries).toBeLessThanOrEqual(dataQuality.counted);
  });

  test("the CSV file is what the table shows, with the API's exact figures", async () => {
    await open('/?filter=new&sort=name');
    const { nodes } = (await system.settled()).states;
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('tributary-states.csv');
    const [header, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    expect(header).toBe('code,state,gdp_class,gdp_millions_usd,gdp_year,ios,android,other,total,last_login_at');
    const expected = nodes
      .filter((state) => state.name.startsWith('New '))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(
        ({ code, name, gdp, devices }) =>
          `${code},${name},${gdp.class},${gdp.millionsUsd},2024,` +
          `${devices.ios},${devices.android},${devices.other},${devices.total},`,
      );
    expect(lines.map((line) => line.slice(0, line.lastIndexOf(',') + 1))).toEqual(expected);
  });

  test('accessible by axe: light, dark, paused, as a table, a state open, operations, a phone, a wall', async () => {
    const press = async (name: string, brings: string): Promise<void> => {
      await page.getByRole('button', { name }).click();
      await page.locator(brings).first().waitFor();
    };
    const views: readonly (readonly [name: string, path: string, act?: () => Promise<void>])[] = [
      ['light', '/'],
      ['dark, shares', '/?theme=dark&measure=android&mode=share'],
      ['paused', '/', () => press('Pause', '[data-status="paused"]')],
      ['table', '/', () => press('View as table', '.series-figure tbody tr')],
      ['state', '/?state=CA'],
      ['state, dark', '/?state=TX&theme=dark'],
      ['operations', '/?view=operations'],
      ['operations, dark', '/?view=operations&theme=dark'],
      [
        'GDP classes, findings unfolded',
        '/?measure=gdp',
        async () => {
          await page.getByText('Which states').click();
          await page.locator('[data-leads="android"]').waitFor();
        },
      ],
      ['wall', '/?wall=1&theme=dark'],
    ];
    for (const [name, path, act] of views) {
      await open(path);
      await act?.();
      await framesDrawn(page);
      expect([name, await axeViolations(page)]).toEqual([name, []]);
    }
    await page.setViewportSize({ width: 360, height: 780 });
    for (const path of ['/', '/?state=CA', '/?view=operations&theme=dark']) {
      await open(path);
      expect([path, await axeViolations(page)]).toEqual([path, []]);
    }
  });

  test('nothing that ticks is read out: no live region holds a figure', async () => {
    await open();
    await statusOf(page).filter({ hasText: 'Live' }).waitFor();
    await system.publish(50);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    const spoken = await page.evaluate<string[]>(
      "[...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')].map((element) => " +
        "element.textContent).filter((text) => text !== '')",
    );
    expect(spoken).toEqual(['Live']);
  });
});
