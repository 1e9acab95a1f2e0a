import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { axeViolations, faultsOf, launchBrowser, statusOf, untilFigure } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { LiveSystem } from './live-system.ts';

const START_MS = 120_000;
const TEST_MS = 90_000;

describeInBrowser('the dashboard\'s connection', () => {
  let system: LiveSystem;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    system = await LiveSystem.start();
  }, START_MS);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  }, START_MS);

  async function open(path = '/'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(system.url + path);
    return page;
  }

  async function untilStatus(page: Page, text: string | RegExp, timeoutMs: number): Promise<void> {
    await statusOf(page).filter({ hasText: text }).waitFor({ timeout: timeoutMs });
  }

  test('before the first login the page says how to get one, and fills by itself', async () => {
    const page = await open();
    await page.getByRole('heading', { name: 'Waiting for the first login' }).waitFor();
    await page.getByText('npm run producer').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await system.publish(500);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    expect(await page.getByRole('heading', { name: 'Waiting for the first login' }).count()).toBe(0);
    await page.close();
  }, TEST_MS);

  test('the API killed: said within a second, then offline with the age of the data; restarted: goes on by itself, exact', async () => {
    const page = await open();
    const faults = faultsOf(page);
    const before = (await system.settled()).states.totals.total;
    await untilFigure(page, 'total', before);
    await page.evaluate('window.notReloaded = true');

    await system.killApi();
    await untilStatus(page, /^Reconnecting/, 1_000);
    await system.publish(300);
    await untilStatus(page, /^Offline, showing data as of \d\d:\d\d:\d\d$/, 30_000);
    // What was there stays readable.
    await untilFigure(page, 'total', before, 100);
    expect(await axeViolations(page)).toEqual([]);

    await system.startApi();
    await untilStatus(page, 'Live', 15_000);
    const answers = await system.settled();
    await untilFigure(page, 'total', answers.states.totals.total);
    expect(answers.states.totals.total).toBeGreaterThan(before);
    expect(await page.evaluate('window.notReloaded')).toBe(true);
    expect(faults).toEqual([]);
    await page.close();
  }, TEST_MS);

  test('the network gone and back: resumed at once, from the cursor, not from the start', async () => {
    const page = await browser.newPage();
    const kinds: string[] = [];
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        const kind = /"states":\{"kind":"(\w+)"/.exec(String(payload))?.[1];
        if (kind !== undefined) kinds.push(kind);
      });
    });
    await page.goto(system.url);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    expect(kinds[0]).toBe('SNAPSHOT');
    await page.context().setOffline(true);
    await untilStatus(page, /^Offline, showing data as of/, 1_000);
    await system.publish(200);
    await system.settled();
    await page.context().setOffline(false);
    await untilStatus(page, 'Live', 3_000);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    expect(kinds.filter((kind) => kind === 'SNAPSHOT')).toHaveLength(1);
    expect(kinds.at(-1)).toBe('DELTA');
    await page.close();
  }, TEST_MS);

  test('where WebSockets do not pass, the page goes on over server-sent events', async () => {
    const page = await browser.newPage();
    await page.routeWebSocket(/\/graphql$/, (socket) => void socket.close({ code: 1011 }));
    await page.goto(system.url);
    await untilStatus(page, 'Live', 30_000);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    await system.publish(200);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    // Insights and data quality are polled there.
    const { counted } = (await system.settled()).dataQuality;
    await page.locator('.quality-line').filter({ hasText: `${new Intl.NumberFormat('en-US').format(counted)} counted` }).waitFor({ timeout: 5_000 });
    await page.close();
  }, TEST_MS);
});

describeInBrowser('the dashboard of an API with a token', () => {
  let system: LiveSystem;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    system = await LiveSystem.start({ API_TOKEN: 'open-sesame' });
  }, START_MS);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  }, START_MS);

  test('asks for it, refuses a wrong one, keeps a right one for the tab', async () => {
    const page = await browser.newPage();
    await page.goto(system.url);
    const field = page.getByRole('textbox', { name: 'Access token' });
    await field.waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.locator('[data-figure="total"]').count()).toBe(0);
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.waitForTimeout(1_000);
    await field.fill('open-sesame');
    await page.getByRole('button', { name: 'Connect' }).click();
    await untilFigure(page, 'total', 0);
    await page.reload();
    await untilFigure(page, 'total', 0);
    expect(await field.count()).toBe(0);
    expect(page.url()).not.toContain('sesame');
    await page.close();
  }, TEST_MS);
});
