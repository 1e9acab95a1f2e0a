import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findChrome } from './find-chrome.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chrome-'));
  for (const name of ['google-chrome', 'other']) {
    writeFileSync(join(dir, name), '#!/bin/sh\n');
    chmodSync(join(dir, name), 0o755);
  }
  writeFileSync(join(dir, 'chromium'), 'not a program');
});
afterAll(() => rmSync(dir, { recursive: true }));

test('the first program of a known name on PATH', () => {
  expect(findChrome({ PATH: `/nowhere:${dir}` })).toBe(join(dir, 'google-chrome'));
  expect(findChrome({ PATH: '/nowhere' })).toBeUndefined();
  expect(findChrome({})).toBeUndefined();
});

test('CHROME_PATH alone when it is set', () => {
  expect(findChrome({ PATH: dir, CHROME_PATH: join(dir, 'other') })).toBe(join(dir, 'other'));
  expect(findChrome({ PATH: dir, CHROME_PATH: join(dir, 'none') })).toBeUndefined();
  expect(findChrome({ PATH: dir, CHROME_PATH: '' })).toBe(join(dir, 'google-chrome'));
});
