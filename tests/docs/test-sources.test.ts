import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '../../tools/command-line/project-root.ts';

/*
 * What makes a test fail on a busy machine, and only there, is not written down in the first place. What is below in
 * `reviewed` was looked at: each line of it says why it may stand.
 */

interface Rule {
  readonly what: string;
  readonly remedy: string;
  readonly pattern: RegExp;
  /** A line that it must find. */
  readonly example: string;
  /** A line that it must leave alone. */
  readonly innocent: string;
  /** By file: how often, and why. */
  readonly reviewed: Readonly<Record<string, readonly [count: number, reason: string]>>;
}

function anyOf(flags: string, ...forms: readonly RegExp[]): RegExp {
  return new RegExp(forms.map((form) => form.source).join('|'), flags);
}

const STRIKES = 'the moment at which a fault strikes, or how long it lasts';
const PACE = 'the pace of what is sent or looked at: nothing is judged by it';

const rules: readonly Rule[] = [
  {
    what: 'a pause of a fixed length',
    remedy:
      'until() waits for a condition, stays() gives what must not come time to come, EchoRun.goesOn() lets ' +
      'something happen: tests/support/until.ts',
    pattern: /(?<![\w.])(?:sleep|delay|setTimeout)\(|\.waitForTimeout\(/g,
    example: '    await sleep(500);',
    innocent: "    proxy.delay({ direction: 'request' }, 60);",
    reviewed: {
      'tools/launcher/guard.test.ts': [1, STRIKES],
      'tests/support/until.ts': [2, 'between two looks at a condition'],
      'tests/support/offset-watch.ts': [1, PACE],
      'tests/support/owner-watch.ts': [1, PACE],
      'tests/support/commit-watch.ts': [1, PACE],
      'tests/support/api-attack.ts': [1, PACE],
      'tests/support/app-run.ts': [1, PACE],
      'tests/support/echo-run.ts': [1, PACE],
      'tests/support/held-rows.ts': [1, 'between two attempts to reach an API'],
      'tests/support/one-of-each-run.ts': [1, PACE],
      'processor/streams/tests/support/fake-brokers.ts': [3, 'what a broker takes to answer'],
      'tests/support/nemesis.ts': [7, STRIKES],
      'tests/support/raw-socket.ts': [1, 'the one deadline'],
      'tests/support/shared-broker-keeper.ts': [1, 'between two looks at a condition'],
      'tests/support/suite-of-mutant.ts': [1, 'ends what would never end'],
      'tests/support/wire-proxy.ts': [2, 'a frame that is late'],
      'tests/chaos/recovery.test.ts': [3, STRIKES],
      'tests/chaos/big-store.test.ts': [2, STRIKES],
      'tests/chaos/quick-restart.test.ts': [2, STRIKES],
      'tests/chaos/membership.test.ts': [3, STRIKES],
      'tests/chaos/broker-away.test.ts': [1, STRIKES],
      'tests/chaos/random-kills.test.ts': [1, STRIKES],
      'tests/chaos/one-of-each.test.ts': [1, STRIKES],
      'tests/chaos/shop.test.ts': [2, STRIKES],
      'tests/chaos/owner-reads.test.ts': [1, PACE],
      'tests/chaos/standby.test.ts': [
        3,
        'what a process says of itself is so old, and what is in flight is measured over so long',
      ],
      'tests/chaos/broker-cluster.test.ts': [2, STRIKES],
      'tests/chaos/delayed-frames.test.ts': [2, STRIKES],
      'tests/browser/dashboard-figures.test.ts': [3, PACE],
      'tests/browser/dashboard-connection.test.ts': [1, STRIKES],
      'tests/browser/dashboard-cost.test.ts': [6, 'runs with DASHBOARD_MINUTES alone'],
      'tests/contract/api-docs.test.ts': [1, 'most commands end by themselves: the others are ended'],
      'tests/integration/api-takeover.test.ts': [1, PACE],
      'tests/integration/api-floods.test.ts': [3, PACE],
      'tests/integration/latency.test.ts': [1, PACE],
      'processor/streams/tests/integration/kafkajs-facts.test.ts': [1, 'a segment rolls by time'],
      'schema/live/graphql/shared-execution.test.ts': [2, PACE],
      'tools/launcher/die-with-launcher.test.ts': [2, 'processes that would run on for minutes'],
    },
  },
  {
    what: 'a producer that may write a record twice',
    remedy: 'testProducer() and publishOnce() of tests/support/test-producer.ts are idempotent and never give up',
    pattern: /\.producer\(/g,
    example: '  const producer = kafka.producer();',
    innocent: '  const producer = await testProducer(broker.connection);',
    reviewed: {
      'tests/support/test-producer.ts': [1, 'this is the one'],
      'tests/support/app-run.ts': [1, 'idempotent, and replaced when it fails: the oracle reads what arrived'],
      'processor/streams/tests/integration/kafkajs-producer-reuse.test.ts': [1, 'it is what is tested'],
    },
  },
  {
    what: 'an assertion of a duration or a rate',
    remedy:
      'expectWithin() of tests/support/speed.ts judges where nothing else runs, bench/ measures; a condition ' +
      'shows what is right',
    pattern: anyOf(
      'g',
      /expect\(.*\b\w*(?:Ms|[Ss]econds|[Ee]lapsed|[Dd]uration)\b.*\)\.(?:not\.)?toBe(?:Less|Greater)Than/,
      /expect\(.*\b\w*(?:took|latency|latencies)\b.*\)\.(?:not\.)?toBe(?:Less|Greater)Than/,
      /expect\(.*(?:perSecond|performance\.now|Date\.now).*\)\.(?:not\.)?toBe(?:Less|Greater)Than/,
    ),
    example: '    expect(performance.now() - startedAt).toBeLessThan(1_000);',
    innocent: '    expect(published.length).toBeGreaterThan(100);',
    reviewed: {
      'tests/browser/dashboard-cost.test.ts': [3, 'runs with DASHBOARD_MINUTES alone'],
      'tests/docs/compose.test.ts': [3, 'one setting against another'],
      'tests/docs/kubernetes.test.ts': [2, 'one setting against another'],
      'processor/streams/store/leveldb-store.test.ts': [2, 'a time of day between two others'],
    },
  },
  {
    what: 'a deadline of its own',
    remedy: 'until() has the one deadline of all tests: tests/support/until.ts',
    pattern: /\b(?:deadline|giveUpAt)\w* = (?:performance|Date)\.now\(\)/g,
    example: '  const deadline = performance.now() + 10_000;',
    innocent: '  await until(() => answered.length === 2, "two are answered");',
    reviewed: {
      'tests/support/until.ts': [1, 'this is the one'],
      'tests/support/topic-reader.ts': [1, 'the one deadline, and a shorter one where a transaction hangs by design'],
      'processor/streams/task/task-manager.test.ts': [1, 'the one deadline, in a loop that works'],
      'processor/streams/reading/record-fetcher.test.ts': [1, 'the one deadline, in a loop that takes'],
    },
  },
  {
    what: 'a time limit of its own',
    remedy: 'jest.config.mjs has one for all; timeLimit() of tests/support/chaos.ts gives full length more',
    pattern: anyOf(
      'gm',
      /jest\.setTimeout\(/,
      /^\s*\}, (?:\d[\d_]+|[A-Z_]+)(?: [*+] .*)?\);$/,
      /^\s*\},\n\s*(?:\d[\d_]{4,}|[A-Z_]{2,})(?: [*+] .*)?,\n\s*\);$/,
    ),
    example: '}, 60_000);',
    innocent: '}, timeLimit(90_000 * rounds));',
    reviewed: {
      'tests/support/attacked-api.ts': [1, 'a timer'],
      'tools/producer/dirty-logins.test.ts': [1, 'a number of records'],
      'tests/integration/api-floods.test.ts': [1, 'a timer'],
      'tests/contract/login-record-paths.test.ts': [1, 'an hour, for as many records as one asks for'],
      'tests/browser/dashboard-cost.test.ts': [1, 'runs with DASHBOARD_MINUTES alone'],
    },
  },
];

const sources = globSync(
  ['{tests,processor/streams/tests}/**/*.ts', '{processor,schema,client,tools,bench,examples}/**/*.test.{ts,tsx}'],
  { cwd: projectRoot },
)
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file, index, all) => all.indexOf(file) === index)
  // Run by hand, to make pictures and measure.
  .filter(
    (file) => !/^tests\/(docs\/test-sources\.test|browser\/(take-screenshots|measure-lighthouse))\.ts$/.test(file),
  );

/** How often each file breaks the rule. */
function breaches({ pattern }: Rule): Map<string, number> {
  return new Map(
    sources.flatMap((file) => {
      const count = readFileSync(join(projectRoot, file), 'utf8').match(pattern)?.length ?? 0;
      return count === 0 ? [] : [[file, count] as const];
    }),
  );
}

describe.each(rules.map((rule) => [rule.what, rule] as const))('no test has %s', (_what, rule) => {
  test('that was not looked at', () => {
    const reviewed = Object.fromEntries(Object.entries(rule.reviewed).map(([file, [count]]) => [file, count]));
    const found = Object.fromEntries(breaches(rule));
    const wrong = [...new Set([...Object.keys(found), ...Object.keys(reviewed)])].filter(
      (file) => found[file] !== reviewed[file],
    );
    const told = wrong.map(
      (file) => `${file}: ${String(found[file] ?? 0)} times, reviewed ${String(reviewed[file] ?? 0)}. ${rule.remedy}`,
    );
    expect(told).toEqual([]);
  });

  test('and what it looks for is found', () => {
    expect(rule.example.match(rule.pattern)).toHaveLength(1);
    expect(rule.innocent.match(rule.pattern)).toBeNull();
  });
});

test('no module beside the test files has hooks: they would be those of the first file of a worker alone', () => {
  const modules = globSync('{tests,processor,schema,client,tools,bench,examples}/**/*.{ts,tsx}', { cwd: projectRoot })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/\.test\.tsx?$|\/node_modules\//.test(file));
  expect(modules.length).toBeGreaterThan(100);
  const hooks = /^(?:before|after)(?:Each|All)\(/m;
  expect('afterEach(async () => {').toMatch(hooks);
  expect(modules.filter((file) => hooks.test(readFileSync(join(projectRoot, file), 'utf8')))).toEqual([]);
});

test('there are sources to look at', () => {
  expect(sources.length).toBeGreaterThan(100);
});
