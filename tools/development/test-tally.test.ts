import { describe, expect, test } from '@jest/globals';
import { addTallies, emptyTally, summaryLine, tallyOfJest } from './test-tally.ts';

test('the last line names skipped tests only where there are some', () => {
  expect(summaryLine({ ...emptyTally, passed: 12, failed: 0 })).toBe('12 passed, 0 failed');
  expect(summaryLine({ ...emptyTally, passed: 12, failed: 1, skipped: 3 })).toBe('12 passed, 1 failed, 3 skipped');
});

test('tallies add up', () => {
  const one = { passed: 1, failed: 1, skipped: 0, failures: ['a'] };
  expect(addTallies(one, { passed: 2, failed: 1, skipped: 4, failures: ['b'] })).toEqual({
    passed: 3,
    failed: 2,
    skipped: 4,
    failures: ['a', 'b'],
  });
});

describe('a jest report', () => {
  test('failed tests are named with their file', () => {
    const report = {
      success: false,
      numPassedTests: 1,
      numPendingTests: 2,
      numTodoTests: 0,
      testResults: [
        {
          name: '/project/a.test.ts',
          status: 'failed',
          assertionResults: [
            { status: 'failed', fullName: 'it breaks' },
            { status: 'passed', fullName: 'it works' },
          ],
        },
      ],
    };
    expect(tallyOfJest(report, '/project')).toEqual({
      passed: 1,
      failed: 1,
      skipped: 2,
      failures: ['a.test.ts: it breaks'],
    });
  });

  test('and what they said, in short: the first lines, and the fatal ones of the logs in it', () => {
    const message = [
      'Error: \u001b[31mthe process ended\u001b[39m before it was: ready',
      '{"level":30,"msg":"one"}',
      '{"level":30,"msg":"two"}',
      '{"level":30,"msg":"three"}',
      '{"level":30,"msg":"four"}',
      `{"level":50,"msg":"${'x'.repeat(400)}"}`,
      '    at somewhere',
    ];
    const report = {
      testResults: [
        {
          name: '/project/a.test.ts',
          assertionResults: [{ status: 'failed', fullName: 'it breaks', failureMessages: [message.join('\n')] }],
        },
      ],
    };
    const [failure] = tallyOfJest(report, '/project').failures;
    expect(failure?.split('\n').map((line) => line.slice(0, 50))).toEqual([
      'a.test.ts: it breaks',
      '    Error: the process ended before it was: ready',
      '    {"level":30,"msg":"one"}',
      '    {"level":30,"msg":"two"}',
      '    {"level":30,"msg":"three"}',
      `    {"level":50,"msg":"${'x'.repeat(27)}`,
    ]);
    expect(failure?.length).toBeLessThan(600);
  });

  test('a file that could not be run is a failure', () => {
    const report = {
      success: false,
      numPassedTests: 0,
      testResults: [{ name: '/project/a.test.ts', status: 'failed', assertionResults: [] }],
    };
    expect(tallyOfJest(report, '/project')).toMatchObject({ failed: 1, failures: ['a.test.ts: did not run'] });
  });

  test('no report, or an unsuccessful run without a failed test, is a failure', () => {
    expect(tallyOfJest(undefined, '/project').failed).toBe(1);
    expect(tallyOfJest({ success: false, numPassedTests: 5, testResults: [] }, '/project')).toMatchObject({
      passed: 5,
      failed: 1,
    });
  });
});
