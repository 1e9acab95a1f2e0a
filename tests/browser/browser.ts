import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { findChrome } from '../../tools/development/find-chrome.ts';
import { until, DEADLINE_MS } from '../support/until.ts';

export const chrome = findChrome();

export async function launchBrowser(): Promise<Browser> {
  if (chrome === undefined) throw new Error('describeInBrowser() keeps tests from getting here without a browser');
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  const browser = await chromium.launch({ executablePath: chrome, headless: true, args });
  // Whatever is waited for in a page has the one deadline of all tests.
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(DEADLINE_MS);
    return context;
  };
  return browser;
}

/** What went wrong inside the page: exceptions, and what its content security policy refused. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/net::ERR_(CONNECTION|INTERNET)_|WebSocket connection/.test(message.text()))
      faults.push(message.text());
  });
  return faults;
}

export function statusOf(page: Page): Locator {
  return page.getByTestId('status');
}

/** The figure of that name, as a number. */
export async function figure(page: Page, name: string): Promise<number> {
  const text = await page.locator(`[data-figure="${name}"]`).first().textContent();
  return Number((text ?? '').replaceAll(',', ''));
}

/** Waits until the figure is that number, without reloading. @throws with what stood there last. */
export async function untilFigure(page: Page, name: string, value: number): Promise<void> {
  const text = new Intl.NumberFormat('en-US').format(value);
  const locator = page.locator(`[data-figure="${name}"]`).first();
  let shown: string | null = null;
  await until(
    async () => {
      shown = await locator.textContent();
      return shown === text;
    },
    () => `figure "${name}" is ${shown ?? 'absent'}, not ${text}`,
  );
}

/**
 * Waits until `look` sees what is expected, and answers it. @throws with what it saw last. An action ends, and an
 * address changes, before the frame that draws it: what is read only once is read too early on a busy machine.
 */
export async function eventually<T>(look: () => Promise<T>, expected: T): Promise<T> {
  let seen: T | undefined;
  await until(
    async () => {
      seen = await look();
      return isDeepStrictEqual(seen, expected);
    },
    () => `it is ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`,
  );
  return expected;
}

/** Two frames: what was changed before is laid out, observers of sizes have answered, and their answer is drawn. */
export async function framesDrawn(page: Page): Promise<void> {
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** WCAG 2.2 A and AA, and good practice: one line for each element that falls short. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(await axeSource);
  const violations = await page.evaluate<AxeViolation[]>(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] " +
      '}).then((results) => results.violations)',
  );
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ''}`));
}

/** Pixels by which the page is wider than its window. */
export async function sidewaysOverflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}
