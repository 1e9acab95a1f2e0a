import { afterEach, expect, test } from '@jest/globals';
import { RegistryInAThread } from '../../../tests/support/registry-in-a-thread.ts';
import { until } from '../../../tests/support/until.ts';
import { StreamsError } from '../errors.ts';
import { BlockingHttp } from './blocking-http.ts';
import { untilRegistryAnswers } from './registry-away.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** A registry that is away, and what is asked of it. */
async function away() {
  const registry = await RegistryInAThread.start(['string']);
  const http = new BlockingHttp({ urls: [registry.url], headers: {}, timeoutMs: 300 });
  opened.push(
    () => registry.stop(),
    () => http.close(),
  );
  return { registry, http };
}

function thrownBy(http: BlockingHttp, path: string): StreamsError {
  try {
    http.ask({ method: 'GET', path });
  } catch (error) {
    if (error instanceof StreamsError) return error;
    throw error;
  }
  throw new Error(`${path} was answered`);
}

test('who waits without blocking is told when the registry answers; others hear at once that it is away', async () => {
  const { registry, http } = await away();
  const waiting = new AbortController();
  const first = untilRegistryAnswers(thrownBy(http, '/schemas/ids/1'), waiting.signal);
  const second = untilRegistryAnswers(thrownBy(http, '/schemas/ids/2'), waiting.signal);
  await until(async () => (await registry.asked()).length > 0, 'it is asked on');
  expect(thrownBy(http, '/never-asked').code).toBe('SCHEMA_REGISTRY_AWAY');
  expect(await registry.asked()).not.toContain('/never-asked');
  await registry.comeBack();
  await Promise.all([first, second]);
  await until(() => {
    try {
      return http.ask({ method: 'GET', path: '/schemas/ids/1' }).status === 200;
    } catch {
      return false;
    }
  }, 'it is asked again by those who block');
});

test('whoever leaves waits no longer; when nobody waits, it is asked again', async () => {
  const { registry, http } = await away();
  const [one, other] = [new AbortController(), new AbortController()];
  const waits = [one, other].map(({ signal }) => untilRegistryAnswers(thrownBy(http, '/schemas/ids/1'), signal));
  one.abort();
  await waits[0];
  expect(thrownBy(http, '/never-asked').code).toBe('SCHEMA_REGISTRY_AWAY');
  other.abort();
  await waits[1];
  await registry.asked();
  thrownBy(http, '/asked');
  await until(async () => (await registry.asked()).includes('/asked'), 'it is asked');
});

test('an error that nobody can ask again about is tried again after a while, or at the end', async () => {
  const ended = new AbortController();
  const waits = untilRegistryAnswers(new StreamsError('SCHEMA_REGISTRY_REFUSED', 'no'), ended.signal);
  ended.abort();
  await waits;
  await untilRegistryAnswers(new StreamsError('SCHEMA_REGISTRY_REFUSED', 'no'), ended.signal);
});
