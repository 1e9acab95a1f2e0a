import { stripVTControlCharacters } from 'node:util';

/** What a check or a jest run came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** For each failure its name, and below it, indented, what it said in short. */
  readonly failures: readonly string[];
}

export const emptyTally: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  };
}

/** The last line of `npm test`. */
export function summaryLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`;
}

function numberAt(value: object, name: string): number {
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'number' ? found : 0;
}

function listAt(value: object, name: string): readonly object[] {
  const found: unknown = Reflect.get(value, name);
  return Array.isArray(found) ? found.filter((each): each is object => typeof each === 'object' && each !== null) : [];
}

function textAt(value: object, name: string): string {
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : '';
}

const SAID_LINES = 4;
const SAID_WIDTH = 300;

/**
 * The first lines of what a test said, and the fatal lines of the logs in it: the last that is printed is read first.
 */
function inShort(test: object): readonly string[] {
  const messages: unknown = Reflect.get(test, 'failureMessages');
  const lines = (Array.isArray(messages) ? messages : [])
    .flatMap((message) => stripVTControlCharacters(String(message)).split('\n'))
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  const fatal = lines
    .slice(SAID_LINES)
    .filter((line) => line.includes('"level":50'))
    .slice(-SAID_LINES);
  return [...lines.slice(0, SAID_LINES), ...fatal].map((line) =>
    line.length > SAID_WIDTH ? `${line.slice(0, SAID_WIDTH)}…` : line,
  );
}

/**
 * Reads what `jest --json` wrote. A file that failed before its first test counts as one failure; so does a run that
 * jest itself calls unsuccessful for another reason. `root` is cut from the paths.
 */
export function tallyOfJest(report: unknown, root: string): Tally {
  if (typeof report !== 'object' || report === null)
    return { ...emptyTally, failed: 1, failures: ['jest wrote no report'] };
  const failures: string[] = [];
  for (const file of listAt(report, 'testResults')) {
    const name = textAt(file, 'name').replace(`${root}/`, '');
    const tests = listAt(file, 'assertionResults');
    for (const each of tests)
      if (textAt(each, 'status') === 'failed')
        failures.push([`${name}: ${textAt(each, 'fullName')}`, ...inShort(each)].join('\n    '));
    if (textAt(file, 'status') === 'failed' && !tests.some((each) => textAt(each, 'status') === 'failed'))
      failures.push(`${name}: did not run`);
  }
  if (failures.length === 0 && Reflect.get(report, 'success') !== true)
    failures.push('jest: the run was not successful');
  return {
    passed: numberAt(report, 'numPassedTests'),
    failed: failures.length,
    skipped: numberAt(report, 'numPendingTests') + numberAt(report, 'numTodoTests'),
    failures,
  };
}
