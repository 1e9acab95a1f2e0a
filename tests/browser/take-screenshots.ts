/**
 * Takes the pictures of docs/screenshots/ from the running product: `node tests/browser/take-screenshots.ts <folder>`.
 * Looked at one by one before they are committed; no test compares pixels.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, statusOf } from './browser.ts';
import { LiveSystem } from './live-system.ts';

const WIDTHS: readonly (readonly [width: number, height: number])[] = [
  [360, 780],
  [768, 1024],
  [1280, 900],
  [2560, 1440],
];
const THEMES = ['light', 'dark'] as const;
/** Longer than the longest range in a picture. */
const HISTORY_MS = 6.25 * 3_600_000;
const SLICE_MS = 900_000;
const LIVE_PER_SECOND = 20;
/** The history reaches into the near future, so that live logins follow it without a gap. */
const AHEAD_MS = 75_000;
/** Frames of the moving picture, and the time between them. */
const FRAMES = 48;
const FRAME_MS = 250;

const folder = process.argv[2] ?? 'docs/screenshots';
await mkdir(folder, { recursive: true });

async function openAll(browser: Browser, url: string, path = '/'): Promise<[name: string, page: Page][]> {
  const pages: [string, Page][] = [];
  for (const colorScheme of THEMES) {
    for (const [width, height] of WIDTHS) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme, timezoneId: 'America/New_York' });
      await page.goto(url + path);
      pages.push([`${width}-${colorScheme}`, page]);
    }
  }
  return pages;
}

async function shoot(name: string, page: Page): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`) });
  process.stdout.write(`${name}\n`);
}

async function shootAll(state: string, pages: readonly [string, Page][]): Promise<void> {
  for (const [name, page] of pages) await shoot(`${state}-${name}`, page);
}

async function shootMoving(browser: Browser, url: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 770 },
    colorScheme: 'light',
    timezoneId: 'America/New_York',
  });
  await page.goto(`${url}/?range=15m`);
  await sleep(20_000);
  for (let frame = 0; frame < FRAMES; frame += 1) {
    if (frame === 14) await page.locator('.u-over').hover({ position: { x: 250, y: 120 } });
    if (frame === 18) await page.locator('.u-over').hover({ position: { x: 390, y: 120 } });
    if (frame === 24) await page.mouse.move(5, 5);
    if (frame === 26) await page.getByRole('button', { name: /^CA / }).click();
    await page.screenshot({ path: join(folder, `frame-${String(frame).padStart(3, '0')}.png`) });
    await sleep(FRAME_MS);
  }
}

const browser = await launchBrowser();
const system = await LiveSystem.start();
try {
  const empty = await openAll(browser, system.url);
  await sleep(3_000);
  await shootAll('empty', empty);
  for (const [, page] of empty) await page.close();

  const until = Date.now() + AHEAD_MS;
  for (let from = until - HISTORY_MS; from < until; from += SLICE_MS) {
    // Busier and quieter hours, ending at the rate of what follows.
    const wave =
      1 + 0.3 * Math.sin((from + SLICE_MS - until) / 3_000_000) + 0.1 * Math.sin((from + SLICE_MS - until) / 700_000);
    const count = Math.round((SLICE_MS / 1_000) * LIVE_PER_SECOND * wave);
    // Nearly clean: a login without a time counts as of when it was published, and those of six hours would stand on
    // one minute.
    await system.publish(count, { dirty: 0.001, from: new Date(from), to: new Date(from + SLICE_MS) });
  }
  await system.settled();
  await sleep(Math.max(0, until - Date.now()));
  void system.publish(LIVE_PER_SECOND * 500, { rate: LIVE_PER_SECOND, dirty: 0.02 }).catch(() => undefined);
  await sleep(40_000);

  const operations = await openAll(browser, system.url, '/?view=operations');
  await system.startProcessor();
  // Its share of the tasks has just moved to it.
  await operations[0]?.[1].locator('tr[data-moved="true"]').first().waitFor({ timeout: 30_000 });
  await sleep(3_000);
  await shootAll('operations', operations);
  for (const [, page] of operations) await page.close();
  for (const [name, path] of [
    ['live', '/'],
    ['state', '/?state=CA&measure=ios&range=6h'],
  ] as const) {
    const pages = await openAll(browser, system.url, path);
    await sleep(15_000);
    await shootAll(name, pages);
    for (const [, page] of pages) await page.close();
  }
  const posters = await Promise.all(
    THEMES.map(async (theme) => {
      const page = await browser.newPage({
        viewport: { width: 1280, height: 1180 },
        colorScheme: theme,
        timezoneId: 'America/New_York',
      });
      await page.goto(system.url);
      return [`dashboard-${theme}`, page] as const;
    }),
  );
  await sleep(30_000);
  for (const [name, page] of posters) {
    await shoot(name, page);
    await page.close();
  }
  const wall = await browser.newPage({
    viewport: { width: 1920, height: 1080 },
    colorScheme: 'dark',
    timezoneId: 'America/New_York',
  });
  await wall.goto(`${system.url}/?wall=1&theme=dark`);
  await sleep(20_000);
  await shoot('wall-1920-dark', wall);
  await wall.close();
  await shootMoving(browser, system.url);

  const offline = await openAll(browser, system.url);
  await sleep(5_000);
  await system.killApi();
  for (const [, page] of offline)
    await statusOf(page)
      .filter({ hasText: /^Offline/ })
      .waitFor({ timeout: 60_000 });
  await shootAll('offline', offline);
} finally {
  await browser.close();
  await system.stop();
}
process.exit();
