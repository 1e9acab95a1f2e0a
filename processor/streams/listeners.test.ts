import { expect, test } from '@jest/globals';
import { Listeners } from './listeners.ts';
import type { Logger } from './logger.ts';
import { StreamsLifecycle } from './streams-state.ts';

/** A logger that keeps its warnings. */
function keeping(warnings: string[]): Logger {
  const nothing = (): void => undefined;
  return {
    debug: nothing,
    info: nothing,
    warn: (fields, message) => void warnings.push(`${message}: ${JSON.stringify(fields)}`),
    error: nothing,
  };
}

test('a listener that throws or rejects is logged; the others are told', async () => {
  const warnings: string[] = [];
  const told: number[] = [];
  const listeners = new Listeners<(event: number) => unknown>('onRestore', keeping(warnings));
  listeners.add(() => {
    throw new Error('one');
  });
  listeners.add(async () => Promise.reject(new Error('two')));
  const stop = listeners.add((event) => told.push(event));
  listeners.tell((listener) => listener(1));
  stop();
  listeners.tell((listener) => listener(2));
  await new Promise(setImmediate);
  expect(told).toEqual([1]);
  expect(warnings.sort()).toEqual(
    ['one', 'one', 'two', 'two'].map((error) => `a listener of onRestore failed: {"error":"${error}"}`),
  );
});

test('a state is reached although a listener of states throws', () => {
  const warnings: string[] = [];
  const lifecycle = new StreamsLifecycle(keeping(warnings));
  lifecycle.onState((next) => {
    throw new Error(`not ${next}`);
  });
  const reached: string[] = [];
  lifecycle.onState((next) => void reached.push(next));
  lifecycle.to('STARTING');
  lifecycle.to('ERROR');
  expect(reached).toEqual(['STARTING', 'ERROR']);
  expect(warnings).toEqual([
    'a listener of onState failed: {"error":"not STARTING"}',
    'a listener of onState failed: {"error":"not ERROR"}',
  ]);
});
