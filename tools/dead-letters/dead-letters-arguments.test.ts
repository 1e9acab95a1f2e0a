import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../command-line/command-line.ts';
import { parseDeadLettersArguments } from './dead-letters-arguments.ts';
import { parseResetArguments } from '../reset/reset-arguments.ts';

const parse = (line: string) => parseDeadLettersArguments(line.split(' ').filter((word) => word !== ''));
const any = { ids: [], reason: null, fromMs: null };

describe('npm run dead-letters', () => {
  test.each([
    ['list', { command: 'list', selection: any, limit: 100, json: false }],
    [
      'list --reason NOT_JSON --limit=7 --json',
      { command: 'list', selection: { ...any, reason: 'NOT_JSON' }, limit: 7, json: true },
    ],
    [
      'list --from 2024-07-10T02:00:00+02:00',
      { command: 'list', selection: { ...any, fromMs: Date.UTC(2024, 6, 10) }, limit: 100, json: false },
    ],
    ['show 0:17', { command: 'show', id: '0:17', json: false }],
    [
      'redrive 0:17 00:017 1:2 --yes',
      { command: 'redrive', selection: { ...any, ids: ['0:17', '1:2'] }, dryRun: false, yes: true },
    ],
    ['redrive --all --dry-run', { command: 'redrive', selection: any, dryRun: true, yes: false }],
    [
      'redrive --reason NO_VALUE --from 2024-07-10t02:00:00z',
      {
        command: 'redrive',
        selection: { ...any, reason: 'NO_VALUE', fromMs: Date.UTC(2024, 6, 10, 2) },
        dryRun: false,
        yes: false,
      },
    ],
    ['redrive --help', { command: 'help' }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toEqual(expected);
  });

  test.each([
    ['', /list, show or redrive/],
    ['delete', /"delete" is no command/],
    ['list 0:1', /flags alone, not "0:1"/],
    ['list --all', /list takes no --all/],
    ['list --limit 0', /--limit takes a whole number from 1 on, not "0"/],
    ['list --from 2024-13-10T02:00:00Z', /--from takes an RFC 3339 time/],
    ['list --newest', /Unknown option '--newest'/],
    ['list --reason', /'--reason <value>' argument missing/],
    ['show', /show takes one dead letter/],
    ['show 0:1 0:2', /show takes one dead letter/],
    ['show 17', /"17" is no dead letter: it takes partition:offset/],
    ['redrive', /or --reason, or --all/],
    ['redrive 0:1 --all', /or --reason, or --all/],
    ['redrive --all --reason NOT_JSON', /or --reason, or --all/],
    ['redrive 0:1 --from 2024-07-10T02:00:00Z', /--from with --reason or --all/],
    ['redrive --all --limit 3', /redrive takes no --limit/],
  ])('refuses "%s" in one line', (line, message) => {
    expect(() => parse(line)).toThrow(UsageError);
    expect(() => parse(line)).toThrow(message);
    expect(() => parse(line)).not.toThrow(/\n/);
  });
});

describe('npm run reset', () => {
  test('takes --yes, --dry-run and --help', () => {
    expect(parseResetArguments([])).toEqual({ help: false, yes: false, dryRun: false });
    expect(parseResetArguments(['--yes', '--dry-run', '--help'])).toEqual({ help: true, yes: true, dryRun: true });
  });

  test.each([
    [['--force'], /^Unknown option '--force'$/],
    [['all'], /^npm run reset takes flags alone, not "all"$/],
    [['--yes=no'], /^Option '--yes' does not take an argument$/],
  ])('refuses %j in one line', (argv, message) => {
    expect(() => parseResetArguments(argv)).toThrow(UsageError);
    expect(() => parseResetArguments(argv)).toThrow(message);
  });
});
