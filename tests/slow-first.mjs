import { statSync } from 'node:fs';

/**
 * The files that take longest, in seconds of the two cores that CI has: begun first, so that no worker is left with one
 * of them at the end.
 */
const SECONDS = {
  'chaos/membership': 120,
  'integration/refusals': 100,
  'integration/reset': 100,
  'integration/login-counts': 90,
  'chaos/kill-points': 90,
  'chaos/broker-cluster': 80,
  'chaos/quick-restart': 70,
  'integration/stream-time': 65,
  'chaos/recovery': 60,
  'chaos/standby': 55,
  'chaos/broker-away': 55,
  'integration/dead-letters': 50,
  'mutants/suites': 50,
  'mutants/exactly-once': 50,
  'chaos/nemesis': 45,
  'integration/one-machine': 45,
  'integration/poison-records': 45,
  'chaos/delayed-frames': 40,
  'integration/start-while-away': 40,
  'chaos/disk-full': 40,
};

const weight = ({ path }) => SECONDS[/tests\/(\w+\/[^/]+)\.test\.ts$/.exec(path)?.[1] ?? ''] ?? 0;

/** jest's own order goes by what earlier runs took, of which a fresh clone knows nothing. */
export default class SlowFirst {
  sort(tests) {
    const sized = [...tests].map((test) => ({ test, seconds: weight(test), bytes: statSync(test.path).size }));
    return sized.sort((a, b) => b.seconds - a.seconds || b.bytes - a.bytes).map(({ test }) => test);
  }

  shard(tests, { shardIndex, shardCount }) {
    return [...tests]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .filter((_, index) => index % shardCount === shardIndex - 1);
  }

  allFailedTests(tests) {
    return [...tests];
  }

  cacheResults() {}
}
