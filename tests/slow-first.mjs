import { statSync } from 'node:fs';

/**
 * The files that take longest, in seconds of the two cores that CI has: begun first, so that no worker is left with one
 * of them at the end.
 */
const SECONDS = {
  'chaos/membership': 120,
  'integration/reset': 120,
  'integration/refusals': 110,
  'browser/dashboard-people': 100,
  'browser/dashboard-figures': 90,
  'integration/login-counts': 90,
  'browser/dashboard-connection': 70,
  'chaos/one-of-each': 90,
  'chaos/quick-restart': 70,
  'chaos/kill-points': 60,
  'integration/poison-records': 60,
  'integration/stream-time': 60,
  'chaos/broker-cluster': 55,
  'integration/dead-letters': 50,
  'mutants/exactly-once': 50,
  'chaos/recovery': 50,
  'chaos/nemesis': 45,
  'integration/one-machine': 45,
  'integration/api-floods': 45,
  'integration/never-silently-dead': 45,
  'chaos/delayed-frames': 40,
  'chaos/lost-frames': 40,
  'chaos/standby': 40,
  'chaos/broker-away': 35,
  'chaos/rolling-update': 35,
  'integration/start-while-away': 30,
  'integration/no-progress': 30,
  'integration/secured-kafka': 30,
};

const weight = ({ path }) => SECONDS[/tests\/(\w+\/[^/]+)\.test\.ts$/.exec(path)?.[1] ?? ''] ?? 0;

/** Of the files that wait; where all files of one project are run, there are no others. */
const waits = ({ path }) => /\/tests\/(?:integration|chaos|mutants|browser)\//.test(path);

/** So many files that only compute are begun after each file that waits: they fill the time that it leaves. */
const FILLERS = 8;

/** jest's own order goes by what earlier runs took, of which a fresh clone knows nothing. */
export default class SlowFirst {
  sort(tests) {
    const sized = [...tests].map((test) => ({ test, seconds: weight(test), bytes: statSync(test.path).size }));
    const sorted = sized.sort((a, b) => b.seconds - a.seconds || b.bytes - a.bytes).map(({ test }) => test);
    const fillers = sorted.filter((test) => !waits(test));
    return [...sorted.filter(waits).flatMap((test) => [test, ...fillers.splice(0, FILLERS)]), ...fillers];
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
