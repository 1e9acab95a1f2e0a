import { expect, test } from '@jest/globals';
import { RestartPolicy } from './restart-policy.ts';

test('ten restarts, each after a pause twice as long, up to half a minute; then it gives up', () => {
  const policy = new RestartPolicy();
  const decisions = Array.from({ length: 11 }, () => policy.next(1, 10));
  expect(decisions.map((decision) => (decision.action === 'restart' ? decision.delayMs : decision.reason))).toEqual([
    500,
    1_000,
    2_000,
    4_000,
    8_000,
    16_000,
    30_000,
    30_000,
    30_000,
    30_000,
    'too-many-restarts',
  ]);
});

test('a minute of health forgets what failed before', () => {
  const policy = new RestartPolicy();
  for (let n = 0; n < 10; n += 1) policy.next(1, 10);
  expect(policy.next(null, 60_000)).toEqual({ action: 'restart', delayMs: 500, attempt: 1, of: 10 });
});

test('exit code 2 is never tried again', () => {
  expect(new RestartPolicy().next(2, 120_000)).toEqual({ action: 'give-up', reason: 'bad-configuration' });
});
