import { tmpdir } from 'node:os';
import { expect, jest, test } from '@jest/globals';
import { leftBehind, restore } from '../native/leftovers.ts';

const random = Math.random;

test.each<[string, () => void]>([
  ['Math.random', () => (Math.random = () => 0)],
  ['Array.prototype.at', () => (Array.prototype.at = () => undefined)],
  ['fetch', () => (globalThis.fetch = () => Promise.reject(new Error('no')))],
  ['aNewGlobal', () => Object.assign(globalThis, { aNewGlobal: 1 })],
  ['process.env.A_NEW_VARIABLE', () => (process.env['A_NEW_VARIABLE'] = '1')],
  ['process.env.PATH', () => delete process.env['PATH']],
  ['process.hrtime', () => (process.hrtime = Object.assign(() => [0, 0] as [number, number], { bigint: () => 0n }))],
  ['a listener of the process for SIGUSR2', () => process.on('SIGUSR2', () => undefined)],
  ['the working directory', () => process.chdir(tmpdir())],
])('a file that leaves it changed is told so, and the next one finds it as it was: %s', (what, change) => {
  expect(leftBehind()).toEqual([]);
  change();
  try {
    expect(leftBehind()).toEqual([what]);
  } finally {
    restore();
  }
  expect(leftBehind()).toEqual([]);
});

test('timers that stay made up are left behind', () => {
  jest.useFakeTimers();
  expect(leftBehind()).toEqual(expect.arrayContaining(['Date', 'setTimeout']));
  jest.useRealTimers();
  expect(leftBehind()).toEqual([]);
  expect(Math.random).toBe(random);
});
