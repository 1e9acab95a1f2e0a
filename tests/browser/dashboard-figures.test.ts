import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { projectRoot } from '../../tools/project-root.ts';
import { faultsOf, figure, launchBrowser, sidewaysOverflow, statusOf, untilFigure } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { LiveSystem, type Answers } from './live-system.ts';

const START_MS = 120_000;
const TEST_MS = 60_000;

/** Every row of the table of states by code: iOS, Android, other, total. */
async function rowsOn(page: Page): Promise<Map<string, number[]>> {
  const rows = await page.evaluate<[string, string[]][]>(
    "[...document.querySelectorAll('tr[data-row]')].map((row) => [row.dataset.row, [...row.cells].slice(2, 6).map((cell) => cell.textContent)])",
  );
  return new Map(rows.map(([code, cells]) => [code, cells.map((cell) => Number(cell.replaceAll(',', '')))]));
}

function rowsOf(answers: Answers): Map<string, number[]> {
  return new Map(answers.states.nodes.map(({ code, devices }) => [code, [devices.ios, devices.android, devices.other, devices.total]]));
}

function sorted(rows: Map<string, number[]>): [string, number[]][] {
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
  }, START_MS);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  }, START_MS);

  async function open(path = '/', viewport = { width: 1280, height: 900 }): Promise<Page> {
    const page = await browser.newPage({ viewport });
    await page.goto(system.url + path);
    return page;
  }

  test('every count on screen is the API\'s, and stays so as logins come in, without a reload', async () => {
    const page = await open();
    const faults = faultsOf(page);
    for (let round = 0; round < 3; round += 1) {
      const answers = await system.settled();
      const { totals } = answers.states;
      await untilFigure(page, 'total', totals.total);
      expect([await figure(page, 'ios'), await figure(page, 'android'), await figure(page, 'other')]).toEqual([totals.ios, totals.android, totals.other]);
      expect(sorted(await rowsOn(page))).toEqual(sorted(rowsOf(answers)));
      expect(totals.total).toBe(answers.dataQuality.counted);
      await system.publish(400);
    }
    expect(await statusOf(page).textContent()).toBe('Live');
    expect(faults).toEqual([]);
    await page.close();
  }, TEST_MS);

  test('at every moment of a busy minute, totals, rows and device types on screen agree with each other', async () => {
    const page = await open();
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    const publishing = system.publish(3_000, { rate: 600 });
    const seen = new Set<number>();
    let over = false;
    void publishing.finally(() => (over = true));
    while (!over) {
      // One look at the page: whatever is drawn in one frame belongs together.
      const [figures, cells, note] = await page.evaluate<[number[], number[], string]>(`[
        ['total', 'ios', 'android', 'other'].map((name) => Number(document.querySelector('[data-figure="' + name + '"]').textContent.replaceAll(',', ''))),
        [...document.querySelectorAll('tr[data-row]')].map((row) => Number(row.cells[5].textContent.replaceAll(',', ''))),
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
    expect(seen.size).toBeGreaterThan(8);
    await untilFigure(page, 'total', (await system.settled()).states.totals.total);
    await page.close();
  }, TEST_MS);

  test('data quality and the processor\'s tasks are the API\'s', async () => {
    const page = await open('/?view=operations');
    const { dataQuality } = await system.settled();
    await untilFigure(page, 'consumed', dataQuality.consumed);
    expect([await figure(page, 'counted'), await figure(page, 'dead-lettered')]).toEqual([dataQuality.counted, dataQuality.deadLettered]);
    expect(dataQuality.deadLettered).toBeGreaterThan(0);
    for (const { reason, count } of dataQuality.deadLetters) {
      expect(await page.locator(`[data-reason="${reason}"] td`).textContent()).toBe(new Intl.NumberFormat('en-US').format(count));
    }
    for (const { field, count } of dataQuality.missing) {
      expect(await page.locator(`[data-field="${field}"] td`).first().textContent()).toMatch(new RegExp(`^${new Intl.NumberFormat('en-US').format(count)} `));
    }
    await page.locator('[data-task="0_0"] [data-task-state="RUNNING"]').waitFor();
    expect(await page.locator('[data-task="0_0"] .input').allTextContents()).toEqual(['user-login-0']);
    expect(await page.locator('[data-instance][data-alive="true"]').count()).toBe(1);
    await page.close();
  }, TEST_MS);

  test('a second processor takes its share, and each task is seen where it runs', async () => {
    const page = await open('/?view=operations');
    await page.locator('[data-task="0_0"]').waitFor();
    const second = await system.startProcessor();
    await page.locator('[data-instance][data-alive="true"]').nth(1).locator('tr[data-task]').first().waitFor({ timeout: 30_000 });
    await page.locator('tr[data-moved="true"]').first().waitFor({ timeout: 30_000 });
    const deadline = performance.now() + 30_000;
    const tasks = async (): Promise<string[]> => (await page.evaluate<string[]>("[...document.querySelectorAll('tr[data-task]')].map((row) => row.dataset.task)")).sort();
    const expected = [0, 1].flatMap((part) => [0, 1, 2, 3].map((partition) => `${part}_${partition}`));
    while ((await tasks()).join() !== expected.join() && performance.now() < deadline) await page.waitForTimeout(100);
    expect(await tasks()).toEqual(expected);
    await second.stop();
    await page.locator('[data-instance]').nth(1).waitFor({ state: 'detached', timeout: 30_000 });
    await page.close();
  }, TEST_MS + 60_000);

  test('paused, the figures stand still and the held updates are counted; resumed, the newest is there at once', async () => {
    const page = await open();
    const before = (await system.settled()).states.totals.total;
    await untilFigure(page, 'total', before);
    await page.getByRole('button', { name: 'Pause' }).click();
    await system.publish(300);
    const after = (await system.settled()).states.totals.total;
    await statusOf(page).filter({ hasText: /^Paused, [1-9][\d,]* updates? held$/ }).waitFor();
    await page.waitForTimeout(500);
    expect(await figure(page, 'total')).toBe(before);
    await page.getByRole('button', { name: 'Resume' }).click();
    await untilFigure(page, 'total', after, 1_000);
    await page.close();
  }, TEST_MS);

  test('nothing is wider than the window, from a phone to a wall, in both views, with a state open', async () => {
    for (const width of [320, 360, 768, 1280, 2560]) {
      for (const path of ['/', '/?view=operations', '/?state=DC', '/?wall=1&theme=dark']) {
        const page = await open(path, { width, height: 900 });
        await page.locator(path.includes('operations') ? '[data-figure="consumed"]' : '.uplot').first().waitFor();
        expect([width, path, await sidewaysOverflow(page)]).toEqual([width, path, 0]);
        await page.close();
      }
    }
  }, TEST_MS + 60_000);

  test('what a visitor downloads stays within 60 kB of scripts and 8 kB of styles, compressed', async () => {
    const assets = join(projectRoot, 'client', 'dist', 'assets');
    const sizes = { js: 0, css: 0 };
    for (const name of await readdir(assets)) {
      const kind = name.endsWith('.js') ? 'js' : name.endsWith('.css') ? 'css' : null;
      if (kind) sizes[kind] += gzipSync(await readFile(join(assets, name)), { level: 9 }).length;
    }
    expect(sizes.js).toBeGreaterThan(0);
    expect(sizes.js).toBeLessThanOrEqual(60_000);
    expect(sizes.css).toBeLessThanOrEqual(8_000);
  });

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
  }, TEST_MS);
});
