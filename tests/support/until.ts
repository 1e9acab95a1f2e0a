import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The one deadline of everything that a test waits for. It is long because it says nothing of speed: it only ends a
 * test that would never end. jest's own (`testTimeout`) is longer, so that what was waited for is named.
 */
export const DEADLINE_MS = 90_000;

const LOOK_EVERY_MS = 20;
const LEAST_OFTEN_MS = 250;
/** What has taken long may take a little longer: a look costs the test, the process and the broker. */
const SHARE_OF_THE_WAIT = 0.1;

/**
 * Looks again and again until `condition` holds, at first often, then four times a second.
 * @param what in words, or a function that words it when the wait was in vain.
 * @param deadlineMs left out, but by `within()` of tests/support/speed.ts.
 * @throws when the deadline is over, with `what`; and whatever `condition` throws, at once.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const startedAt = performance.now();
  const waitedMs = (): number => performance.now() - startedAt;
  const pauseMs = (): number => Math.min(LEAST_OFTEN_MS, Math.max(LOOK_EVERY_MS, waitedMs() * SHARE_OF_THE_WAIT));
  for (const deadline = performance.now() + deadlineMs; !(await condition()); await sleep(pauseMs())) {
    if (performance.now() > deadline)
      throw new Error(`waited ${String(deadlineMs / 1_000)} s in vain: ${typeof what === 'string' ? what : what()}`);
  }
}

/**
 * `condition` holds for so long, as far as that is looked at: what must not come is given time to come. A longer time
 * makes the test sharper, and none makes it fail on a slow machine.
 * @throws when it does not hold, with `what`.
 */
export async function stays(condition: () => boolean | Promise<boolean>, what: string, forMs = 300): Promise<void> {
  for (const end = performance.now() + forMs; ; await sleep(LOOK_EVERY_MS)) {
    if (!(await condition())) throw new Error(`it does not stay so: ${what}`);
    if (performance.now() > end) return;
  }
}

/**
 * `until` for something that `look` answers: undefined means not yet. A look that fails means not yet, too (a broker
 * that is just starting, a port that nobody listens on): its error is told when the wait was in vain.
 */
export async function found<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string | (() => string),
): Promise<T> {
  let answer: T | undefined;
  let failure = '';
  await until(
    async () => {
      try {
        answer = await look();
      } catch (error) {
        failure = ` (${String(error)})`;
      }
      return answer !== undefined;
    },
    () => `${typeof what === 'string' ? what : what()}${failure}`,
  );
  return answer as T;
}
