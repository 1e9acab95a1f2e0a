import { describe } from '@jest/globals';
import { chrome } from './browser.ts';

/** `describe` where there is a browser; elsewhere the tests count as skipped, and a line says why. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (chrome === undefined) process.stderr.write(`SKIPPED, no Chromium or Chrome on PATH or in CHROME_PATH: ${name}\n`);
  (chrome === undefined ? describe.skip : describe)(name, tests);
}
