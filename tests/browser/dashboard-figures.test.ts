import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import {
  eventually,
  faultsOf,
  figure,
  framesDrawn,
  launchBrowser,
  sidewaysOverflow,
  statusOf,
  untilFigure,
} from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { LiveSystem, type Answers, type StatesSnapshot } from './live-system.ts';

/** A window that shows the whole page: out of sight, rows may be seconds old. */
const TALL = { width: 1280, height: 2_600 };
const MOMENTS = 200;

/** Rows of the table of states by code: iOS, Android, other, total. */
type Rows = Map<string, number[]>;

/** One look at the page: its cursor, its totals (iOS, Android, other, all) and every row, all of the same frame. */
async function screenOf(page: Page): Promise<{ cursor: string; totals: number[]; rows: Rows }> {
  const [cursor, totals, rows] = await page.evaluate<[string, string[], [string, string[]][]]>(`[
    document.querySelector('.totals').dataset.cursor,
    ['ios', 'android', 'other', 'total'].map(
      (name) => document.querySelector('[data-figure="' + name + '"]').textContent),
    [...document.querySelectorAll('tr[data-row]')].map(
      (row) => [row.dataset.row, [...row.cells].slice(2, 6).map((cell) => cell.textContent)]),
  ]`);
  const numbers = (texts: string[]): number[] => texts.map((text) => Number(text.replaceAll(',', '')));
  return { cursor, totals: numbers(totals), rows: new Map(rows.map(([code, cells]) => [code, numbers(cells)])) };
}

function rowsOf(states: Answers['states']['nodes'] | StatesSnapshot['states']): Rows {
  return new Map(
    states.map(({ code, devices }) => [code, [devices.ios, devices.android, devices.other, devices.total]]),
  );
}

function sorted(rows: Rows): [string, number[]][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

describeInBrowser('figures on the dashboard', () => {
  let system: LiveSystem;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
    system = await LiveSystem.start();
    await system.publish(3_000);
    await system.settled();
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  async function open(path = '/', viewport = { width: 1280, height: 900 }): Promise<Page> {
    const page = await browser.newPage({ viewport });
    await page.goto(system.url + path);
    return page;
  }

  test("every count on screen is the API's, and stays so as logins come in, without a reload", async () => {
    const page = await open('/', TALL);
    const faults = faultsOf(page);
    for (let round = 0; round < 3; round += 1) {
      const answers = await system.settled();
      const { totals } = answers.states;
      await untilFigure(page, 'total', totals.total);
      expect([await figure(page, 'ios'), await figure(page, 'android'), await figure(page, 'other')]).toEqual([
        totals.ios,
        totals.android,
        totals.other,
      ]);
      const expected = sorted(rowsOf(answers.states.nodes));
      expect(await eventually(async () => sorted((await screenOf(page)).rows), expected)).toEqual(expected);
      expect(totals.total).toBe(answers.dataQuality.counted);
      await system.publish(400);
    }
    await statusOf(page)
      .filter({ hasText: /^Live$/ })
      .waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  const ENOUGH_TOTALS = 5;

  test('at every moment of a busy minute, totals, rows and device types on screen agree with each other', async () => {
    const page = await open('/', TALL);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    const seen = new Set<number>();
    let over = false;
    const publishing = (async () => {
      // However slow the machine: it goes on until enough has been seen.
      do await system.publish(3_000, { rate: 600 });
      while (seen.size <= ENOUGH_TOTALS);
    })().finally(() => (over = true));
    while (!over) {
      // One look at the page: whatever is drawn in one frame belongs together.
      const [figures, cells, note] = await page.evaluate<[number[], number[], string]>(`[
        ['total', 'ios', 'android', 'other'].map(
          (name) => Number(document.querySelector('[data-figure="' + name + '"]').textContent.replaceAll(',', ''))),
        [...document.querySelectorAll('tr[data-row]')].map(
          (row) => Number(row.cells[5].textContent.replaceAll(',', ''))),
        document.querySelector('#table .note').textContent,
      ]`);
      const [total = 0, ios = 0, android = 0, other = 0] = figures;
      const unattributed = Number(/([\d,]+) logins name no state/.exec(note)?.[1]?.replaceAll(',', ''));
      expect(ios + android + other).toBe(total);
      expect(cells.reduce((sum, cell) => sum + cell, unattributed)).toBe(total);
      seen.add(total);
      await page.waitForTimeout(30);
    }
    await publishing;
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    await page.close();
  });

  test("at 200 random moments, every count on screen is the API's at the same cursor", async () => {
    const page = await open('/', TALL);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    let over = false;
    const publishing = (async () => {
      // Bursts with silence between them: a moment counts when the API was asked at the page's cursor.
      while (!over) {
        await system.publish(20 + Math.floor(Math.random() * 150), { rate: 500 });
        await sleep(Math.random() * 300);
      }
    })();
    /** What the API answered at each cursor; the page comes to some of them later, and was at others before. */
    const answered = new Map<string, string>();
    const looks: { readonly cursor: string; readonly shown: string }[] = [];
    const comparable = (): typeof looks => looks.filter(({ cursor }) => answered.has(cursor));
    /** A busy machine looks often at few cursors, and goes on until they are many. */
    const cursorsOf = (moments: typeof looks): Set<string> => new Set(moments.map(({ cursor }) => cursor));
    const enough = (moments: typeof looks): boolean =>
      moments.length >= MOMENTS && cursorsOf(moments).size > MOMENTS / 20;
    while (!enough(comparable())) {
      await sleep(Math.random() * 40);
      const [api, screen] = await Promise.all([system.snapshot(), screenOf(page)]);
      answered.set(api.cursor, JSON.stringify([api.totals, sorted(rowsOf(api.states))]));
      looks.push({ cursor: screen.cursor, shown: JSON.stringify([screen.totals, sorted(screen.rows)]) });
    }
    over = true;
    await publishing;
    const moments = comparable();
    const cursors = cursorsOf(moments);
    const differences = moments
      .filter(({ cursor, shown }) => shown !== answered.get(cursor))
      .map(({ cursor, shown }) => `${answered.get(cursor) ?? ''}\n${shown}`);
    process.stderr.write(
      `${moments.length} moments of ${looks.length} at ${cursors.size} cursors, ${differences.length} differences\n`,
    );
    expect(differences).toEqual([]);
    await page.close();
  });

  test('what stands out is what the API found, with the figures of the table', async () => {
    const page = await open();
    const { insights, states } = await system.settled();
    const number = new Intl.NumberFormat('en-US');
    await untilFigure(page, 'total', states.totals.total);
    const top = states.nodes.find(({ code }) => code === insights.topState?.code);
    await page
      .locator('[data-finding="top"]')
      .filter({ hasText: `${top?.name} has the most logins: ${number.format(top?.devices.total ?? -1)}` })
      .waitFor();
    await page.getByText('Which states').click();
    const shown = async (by: string): Promise<string[]> =>
      (
        await page
          .locator(`[data-leads="${by}"] button`)
          .evaluateAll((found) => found.map((button) => button.dataset['opens'] ?? ''))
      ).sort();
    for (const [by, found] of [
      ['ios', insights.moreIos],
      ['android', insights.moreAndroid],
    ] as const) {
      // The click ends before the lists are drawn, and the findings come by a subscription of their own, after the
      // totals.
      const expected = found.map(({ code }) => code).sort();
      expect(await eventually(async () => shown(by), expected)).toEqual(expected);
    }
    for (const { class: name, devices } of insights.byGdpClass) {
      const expected = [devices.ios, devices.android, devices.other].map((count) => number.format(count));
      const cells = await eventually(
        async () => page.locator(`tr[data-gdp="${name}"] .cell-count`).allTextContents(),
        expected,
      );
      expect([name, cells]).toEqual([name, expected]);
    }
    await page.locator('[data-finding="top"] button').click();
    await page.getByRole('heading', { name: top?.name ?? '' }).waitFor();
    await page.close();
  });

  test('a minute that changes late is marked, and the chart slides by the clock though nothing comes in', async () => {
    const page = await open('/?range=15m');
    await page.locator('.uplot').waitFor();
    const late = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 5 * 60_000);
    await system.publish(40, { dirty: 0, from: late, to: new Date(late.getTime() + 50_000) });
    await page
      .locator('.revised')
      .filter({ hasText: /^◆ 1 point changed by late logins\.$/ })
      .waitFor();
    await page.getByRole('button', { name: 'View as table' }).click();
    // The click ends before the table is drawn.
    await page.locator('.series-figure tbody tr').filter({ hasText: 'revised' }).first().waitFor();
    expect(await page.locator('.series-figure tbody tr').filter({ hasText: 'revised' }).count()).toBe(1);
    await system.settled();
    // The page's clock goes on two minutes; nobody logs in.
    const newest = page.locator('.series-figure tbody th').first();
    const before = await newest.textContent();
    await page.evaluate('const real = Date.now.bind(Date); Date.now = () => real() + 120_000');
    await page.waitForFunction(
      (text) => document.querySelector('.series-figure tbody th')?.textContent !== text,
      before,
    );
    const counts = await page.evaluate<string[]>(
      "[...document.querySelectorAll('.series-figure tbody tr')].slice(0, 1).map((row) => row.cells[4].textContent)",
    );
    expect(counts).toEqual(['0']);
    await page.close();
  });

  test("data quality and the processor's tasks are the API's", async () => {
    const page = await open('/?view=operations');
    const { dataQuality } = await system.settled();
    await untilFigure(page, 'consumed', dataQuality.consumed);
    expect([await figure(page, 'counted'), await figure(page, 'dead-lettered')]).toEqual([
      dataQuality.counted,
      dataQuality.deadLettered,
    ]);
    expect(dataQuality.deadLettered).toBeGreaterThan(0);
    for (const { reason, count } of dataQuality.deadLetters) {
      expect(await page.locator(`[data-reason="${reason}"] td`).textContent()).toBe(
        new Intl.NumberFormat('en-US').format(count),
      );
    }
    for (const { field, count } of dataQuality.missing) {
      expect(await page.locator(`[data-field="${field}"] td`).first().textContent()).toMatch(
        new RegExp(`^${new Intl.NumberFormat('en-US').format(count)} `),
      );
    }
    await page.locator('[data-task="0_0"] [data-task-state="RUNNING"]').waitFor();
    expect(
      await eventually(() => page.locator('[data-task="0_0"] .input').allTextContents(), ['user-login-0']),
    ).toEqual(['user-login-0']);
    expect(await eventually(() => page.locator('[data-instance][data-alive="true"]').count(), 1)).toBe(1);
    await page.close();
  });

  test('a second processor takes its share, and each task is seen where it runs', async () => {
    const page = await open('/?view=operations');
    await page.locator('[data-task="0_0"]').waitFor();
    const second = await system.startProcessor();
    await page.locator('[data-instance][data-alive="true"]').nth(1).locator('tr[data-task]').first().waitFor();
    await page.locator('tr[data-moved="true"]').first().waitFor();
    const tasks = async (): Promise<string[]> =>
      (
        await page.evaluate<string[]>("[...document.querySelectorAll('tr[data-task]')].map((row) => row.dataset.task)")
      ).sort();
    const expected = [0, 1].flatMap((part) => [0, 1, 2, 3].map((partition) => `${part}_${partition}`));
    expect(await eventually(tasks, expected)).toEqual(expected);
    await second.stop();
    await page.locator('[data-instance]').nth(1).waitFor({ state: 'detached' });
    await page.close();
  });

  test('a restoring task shows how far it is and how long it takes; the page says that it catches up', async () => {
    const page = await open('/?view=operations');
    await page.locator('[data-task="0_0"]').waitFor();
    const now = Date.now();
    const task = { id: '1_2', role: 'ACTIVE', inputs: ['tributary-logins-by-state-repartition-2'], lag: 40 } as const;
    const status = {
      id: 'restoring-one',
      applicationId: 'tributary-logins',
      guarantee: 'exactly_once',
      topology: '',
      host: 'spare',
      startedAtMs: now,
      threads: 1,
      recordsPerSecond: 0,
    } as const;
    await system.report({
      ...status,
      reportedAtMs: now,
      tasks: [{ ...task, state: 'RESTORING', restore: { restored: 250_000, total: 1_000_000, remainingMs: 93_000 } }],
    });
    const row = page.locator('[data-instance="restoring-one"] tr[data-task="1_2"]');
    await row.locator('.restore').filter({ hasText: '25.0%250,000 of 1,000,000, about 1 min left' }).waitFor();
    await row.locator('[data-task-state="RESTORING"]').waitFor();
    await page.locator('[data-map-instance="restoring-one"] .task-busy').waitFor();
    await statusOf(page)
      .filter({ hasText: /^Catching up: \d+ of \d+ tasks restored$/ })
      .waitFor();
    await system.report({ ...status, reportedAtMs: Date.now(), tasks: [{ ...task, state: 'RUNNING' }] });
    await row.locator('[data-task-state="RUNNING"]').waitFor();
    await statusOf(page).filter({ hasText: 'Live' }).waitFor();
    await page.close();
  });

  test('paused, figures stand still and held updates are counted; resumed, the newest is there at once', async () => {
    const page = await open();
    const before = (await system.settled()).states.totals.total;
    await untilFigure(page, 'total', before);
    await page.getByRole('button', { name: 'Pause' }).click();
    await system.publish(300);
    const after = (await system.settled()).states.totals.total;
    await statusOf(page)
      .filter({ hasText: /^Paused, [1-9][\d,]* updates? held$/ })
      .waitFor();
    await framesDrawn(page);
    expect(await figure(page, 'total')).toBe(before);
    await page.getByRole('button', { name: 'Resume' }).click();
    await untilFigure(page, 'total', after);
    await page.close();
  });

  test('nothing is wider than the window, from a phone to a wall, in both views, with a state open', async () => {
    const page = await open();
    const hiddenTasks = async (): Promise<number> =>
      page.evaluate<number>(
        "((map) => map.scrollWidth - map.clientWidth)(document.querySelector('.table-scroll:has(.task-map)'))",
      );
    for (const path of ['/', '/?view=operations', '/?state=DC', '/?measure=gdp&mode=share', '/?wall=1&theme=dark']) {
      await page.goto(system.url + path);
      await page
        .locator(path.includes('operations') ? '[data-figure="consumed"]' : '.uplot')
        .first()
        .waitFor();
      for (const width of [320, 360, 768, 1180, 1280, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        await framesDrawn(page);
        expect([width, path, await eventually(() => sidewaysOverflow(page), 0)]).toEqual([width, path, 0]);
        // Every task is in sight, on a phone too.
        if (path.includes('operations') && width >= 360)
          expect([width, await eventually(hiddenTasks, 0)]).toEqual([width, 0]);
      }
    }
    await page.close();
  });

  test(
    'beside the map no room is left under the chart: it is at least as tall, and drawn to that height, also ' +
      'after the window was another',
    async () => {
      const page = await open();
      await page.locator('.uplot').waitFor();
      const below = async (): Promise<number[]> =>
        page.evaluate<number[]>(`((box) => [
        Math.round(Math.max(0, box('#map .map-legend').bottom - box('#time .figure-foot').bottom) / 30),
        Math.round(Math.abs(box('#time .uplot').height - box('#time .chart').height)),
      ])((selector) => document.querySelector(selector).getBoundingClientRect())`);
      for (const width of [1280, 2560, 1500, 1180]) {
        await page.setViewportSize({ width, height: 1440 });
        expect([width, await eventually(below, [0, 0])]).toEqual([width, [0, 0]]);
      }
      await page.close();
    },
  );

  test('the page runs under its own content security policy, and loads nothing from elsewhere', async () => {
    const page = await browser.newPage();
    const faults = faultsOf(page);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).host));
    const answer = await page.goto(system.url);
    expect(answer?.headers()['content-security-policy']).toContain("default-src 'self'");
    await page.locator('.uplot').waitFor();
    expect(faults).toEqual([]);
    expect([...new Set(asked)]).toEqual([new URL(system.url).host]);
    await page.close();
  });
});
