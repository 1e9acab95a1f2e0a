import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { axeViolations, eventually, faultsOf, figure, launchBrowser, statusOf, untilFigure } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { LiveSystem } from './live-system.ts';
import { within } from '../support/speed.ts';

/**
 * A laptop's minute of sleep where DASHBOARD_MINUTES is set; inside `npm test` as long as the API takes to count what
 * comes meanwhile.
 */
const ASLEEP_MS = process.env['DASHBOARD_MINUTES'] === undefined ? 0 : 60_000;

/**
 * Stops every process of the browser, as a laptop does that goes to sleep; the answer lets them go on. The browser's
 * own way to freeze a page does nothing to one that is in sight, and without a screen every page is.
 */
async function putToSleep(browser: Browser): Promise<() => void> {
  const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
  const all = (signal: NodeJS.Signals): void => processInfo.forEach(({ id }) => process.kill(id, signal));
  all('SIGSTOP');
  return () => all('SIGCONT');
}

/** The age of the data, when it is told, leaves the map's choices where they are: beside the title. */
async function controlsBesideTitle(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    "document.querySelector('#map .controls').getBoundingClientRect().top < document.querySelector('#map " +
      "h2').getBoundingClientRect().bottom",
  );
}

/** `boundMs`: how soon it should be there, where speed is judged. */
async function untilStatus(page: Page, text: string | RegExp, boundMs: number): Promise<void> {
  await statusOf(page)
    .filter({ hasText: text })
    .waitFor({ timeout: within(boundMs) });
}

describeInBrowser("the dashboard's connection", () => {
  let system: LiveSystem;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    system = await LiveSystem.start();
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  async function open(path = '/'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(system.url + path);
    return page;
  }

  test('before the first login the page says how to get one, and fills by itself', async () => {
    const page = await open();
    await page.getByRole('heading', { name: 'Waiting for the first login' }).waitFor();
    await page.getByText('npm run producer').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await system.publish(500);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    await page.getByRole('heading', { name: 'Waiting for the first login' }).waitFor({ state: 'detached' });
    await page.close();
  });

  test(
    'the API killed: said within a second, then offline with the age of the data; ' +
      'restarted: goes on by itself, exact',
    async () => {
      const page = await open();
      const faults = faultsOf(page);
      const before = (await system.settled()).states.totals.total;
      await untilFigure(page, 'total', before);
      expect(await controlsBesideTitle(page)).toBe(true);
      await page.evaluate('window.notReloaded = true');

      await system.killApi();
      await untilStatus(page, /^Reconnecting/, 1_000);
      await system.publish(300);
      await untilStatus(page, /^Offline, showing data as of \d\d:\d\d:\d\d$/, 30_000);
      // What was there stays readable.
      expect(await figure(page, 'total')).toBe(before);
      await page.locator('[data-stale-panel="states"]').first().waitFor();
      expect(await controlsBesideTitle(page)).toBe(true);
      expect(await axeViolations(page)).toEqual([]);

      await system.startApi();
      await untilStatus(page, 'Live', 15_000);
      const answers = await system.settled();
      await untilFigure(page, 'total', answers.states.totals.total);
      expect(answers.states.totals.total).toBeGreaterThan(before);
      expect(await page.evaluate('window.notReloaded')).toBe(true);
      expect(faults).toEqual([]);
      await page.close();
    },
  );

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
  });

  test.each(['the connection stands', 'the API was restarted meanwhile'])(
    'a page that was frozen, as in a laptop asleep: right within a second, exact by itself; %s',
    async (meanwhile) => {
      const page = await open();
      const before = (await system.settled()).states.totals.total;
      await untilFigure(page, 'total', before);
      const wakeUp = await putToSleep(browser);
      const asleep = sleep(ASLEEP_MS);
      const after = await (async () => {
        await system.publish(300);
        if (meanwhile !== 'the connection stands') {
          await system.killApi();
          await system.startApi();
        }
        const { total } = (await system.settled()).states.totals;
        await asleep;
        return total;
      })().finally(wakeUp);
      expect(after).toBeGreaterThan(before);
      // Either the newest figures, or a word about why not yet.
      await page.waitForFunction(
        ([total]) =>
          document.querySelector('[data-figure="total"]')?.textContent === total ||
          document.querySelector('[data-testid="status"]')?.textContent?.startsWith('Reconnecting'),
        [new Intl.NumberFormat('en-US').format(after)],
        { timeout: within(1_000) },
      );
      await untilFigure(page, 'total', after);
      await untilStatus(page, 'Live', 2_000);
      await page.close();
    },
  );

  test("one panel's subscription fails: its error stands there with code and age, the others go on", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const fail = { now: false };
    await page.routeWebSocket(/\/graphql$/, (socket) => {
      const server = socket.connectToServer();
      const insights = new Set<string>();
      socket.onMessage((message) => {
        const { id, type, payload } = JSON.parse(String(message)) as {
          id?: string;
          type: string;
          payload?: { query?: string };
        };
        if (type === 'subscribe' && id !== undefined && payload?.query?.includes('insights(')) insights.add(id);
        server.send(message);
      });
      server.onMessage((message) => {
        const { id } = JSON.parse(String(message)) as { id?: string };
        if (!fail.now || id === undefined || !insights.has(id)) return socket.send(message);
        socket.send(
          JSON.stringify({
            id,
            type: 'error',
            payload: [{ message: 'The copy is not whole yet.', extensions: { code: 'NOT_READY' } }],
          }),
        );
      });
    });
    await page.goto(system.url);
    await page.locator('[data-finding="top"]').waitFor();
    fail.now = true;
    await system.publish(100);
    await page
      .locator('#insights .problem')
      .filter({ hasText: /^NOT_READY The copy is not whole yet\./ })
      .waitFor();
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    await untilStatus(page, 'Live', 2_000);
    await page
      .locator('[data-stale-panel="insights"]')
      .filter({ hasText: /^\s*As of \d\d:\d\d:\d\d, \d+ s old$/ })
      .first()
      .waitFor();
    expect(await page.locator('[data-stale-panel="states"], [data-stale-panel="series"]').count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
    // What was found before stays readable, and comes alive by itself.
    expect(await page.locator('[data-finding="top"]').count()).toBe(1);
    fail.now = false;
    await page.locator('#insights .problem').waitFor({ state: 'detached' });
    await page.close();
  });

  test(
    'where WebSockets do not pass, the page goes on over server-sent events: after three ' +
      'failures, and from its cursor',
    async () => {
      const page = await browser.newPage();
      let tries = 0;
      const streams: { readonly tries: number; readonly after: unknown }[] = [];
      await page.routeWebSocket(/\/graphql$/, (socket) => {
        tries += 1;
        void socket.close({ code: 1011 });
      });
      page.on('request', (request) => {
        if (!request.headers()['accept']?.includes('text/event-stream')) return;
        const { query, variables } = request.postDataJSON() as { query: string; variables: { after?: string } };
        if (query.includes('StatesLive')) streams.push({ tries, after: variables.after });
      });
      await page.goto(system.url);
      await untilStatus(page, 'Live', 30_000);
      const asked = [{ tries: 3, after: undefined }];
      expect(await eventually(async () => streams, asked)).toEqual(asked);
      await untilFigure(page, 'total', (await system.settled()).states.totals.total);
      await system.publish(200);
      await untilFigure(page, 'total', (await system.settled()).states.totals.total);
      // Insights and data quality are polled there.
      const { counted } = (await system.settled()).dataQuality;
      await page
        .locator('.quality-line')
        .filter({ hasText: `${new Intl.NumberFormat('en-US').format(counted)} counted` })
        .waitFor();
      await page.context().setOffline(true);
      await untilStatus(page, /^Offline/, 2_000);
      await system.publish(100);
      const { total } = (await system.settled()).states.totals;
      await page.context().setOffline(false);
      await untilFigure(page, 'total', total);
      // One try of a WebSocket comes first again: what was in the way may be gone.
      expect(streams.at(-1)?.tries).toBeGreaterThan(3);
      expect(typeof streams.at(-1)?.after).toBe('string');
      await page.close();
    },
  );
});

describeInBrowser('the dashboard of an API with a token', () => {
  let system: LiveSystem;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    system = await LiveSystem.start({ API_TOKEN: 'open-sesame' });
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  test('asks for it, refuses a wrong one, keeps a right one for the tab', async () => {
    const page = await browser.newPage();
    await page.goto(system.url);
    const field = page.getByRole('textbox', { name: 'Access token' });
    await field.waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.locator('[data-figure="total"]').count()).toBe(0);
    // Typed and sent before the next frame, as a password manager does it: once that sent nothing at all.
    const typeAndSend = (element: HTMLInputElement): void => {
      element.value = 'wrong';
      element.dispatchEvent(new InputEvent('input', { bubbles: true }));
      element.form?.requestSubmit();
    };
    await Promise.all([page.waitForResponse((response) => response.status() === 401), field.evaluate(typeAndSend)]);
    await untilStatus(page, 'Access token needed', 5_000);
    await field.waitFor();
    await field.fill('open-sesame');
    await page.getByRole('button', { name: 'Connect' }).click();
    await untilFigure(page, 'total', 0);
    await page.reload();
    await untilFigure(page, 'total', 0);
    await field.waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('sesame');
    await page.close();
  });
});
