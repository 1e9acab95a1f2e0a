import { expect, test } from '@jest/globals';
import { parseProducerArguments, PRODUCER_USAGE } from './producer-arguments.ts';

const FROM_MS = Date.UTC(2024, 6, 10, 2);

test('nothing given', () => {
  expect(parseProducerArguments([])).toEqual({
    help: false,
    count: null,
    ratePerSecond: null,
    seed: null,
    dirtyShare: 0,
    fromMs: null,
    toMs: null,
    speed: 1,
  });
});

test('everything given, in both spellings', () => {
  expect(
    parseProducerArguments(
      '--count 5000000 --rate=0.5 --seed 0 --dirty=0.25 --from 2024-07-10T02:00:00Z --speed 60'.split(' '),
    ),
  ).toEqual({
    help: false,
    count: 5_000_000,
    ratePerSecond: 0.5,
    seed: 0,
    dirtyShare: 0.25,
    fromMs: FROM_MS,
    toMs: null,
    speed: 60,
  });
  expect(
    parseProducerArguments(['--from', '2024-07-09t19:00:00.5-07:00', '--to=2024-07-11T00:00:00Z', '--count', '1']),
  ).toMatchObject({ fromMs: FROM_MS + 500, toMs: Date.UTC(2024, 6, 11) });
});

test('--dirty alone, last and before another flag', () => {
  expect(parseProducerArguments(['--dirty'])).toMatchObject({ dirtyShare: 0.05 });
  expect(parseProducerArguments(['--dirty', '--count', '3'])).toMatchObject({ dirtyShare: 0.05, count: 3 });
  expect(parseProducerArguments(['--dirty', '1'])).toMatchObject({ dirtyShare: 1 });
});

test.each([
  ['--bogus', '--bogus is no flag of the producer'],
  ['-c 3', '-c is no flag of the producer'],
  ['3', '3 is no flag of the producer'],
  ['--count', '--count needs a value'],
  ['--count --seed 1', '--count needs a value'],
  ['--count 0', '--count takes a whole number from 1 on, not "0"'],
  ['--count 1e3', '--count takes a whole number from 1 on, not "1e3"'],
  ['--count -5', '--count takes a whole number from 1 on, not "-5"'],
  ['--count 99999999999999999', '--count takes a whole number from 1 on, not "99999999999999999"'],
  ['--count 1 --count 2', '--count is given twice'],
  ['--rate 0', '--rate takes a number above 0, at most 1000000, not "0"'],
  ['--rate=', '--rate takes a number above 0, at most 1000000, not ""'],
  ['--dirty 2', '--dirty takes a share from 0 to 1, not "2"'],
  ['--seed x', '--seed takes a whole number from 0 on, not "x"'],
  ['--from yesterday', '--from takes an RFC 3339 time such as 2024-07-10T02:00:00Z, not "yesterday"'],
  ['--from 2024-07-10', '--from takes an RFC 3339 time such as 2024-07-10T02:00:00Z, not "2024-07-10"'],
  [
    '--from 2024-07-32T00:00:00Z',
    '--from takes an RFC 3339 time such as 2024-07-10T02:00:00Z, not "2024-07-32T00:00:00Z"',
  ],
  ['--to 2024-07-10T02:00:00Z --count 2', '--to needs --from and --count'],
  ['--from 2024-07-10T02:00:00Z --to 2024-07-10T02:00:00Z --count 2', '--to must be later than --from'],
  ['--speed 2', '--speed needs --from: without it each login has the time at which it is made'],
  ['--from 2024-07-10T02:00:00Z --to 2024-07-11T02:00:00Z --count 2 --speed 2', '--speed and --to exclude each other'],
  ['--help=please', '--help takes no value'],
])('%s', (line, message) => {
  expect(() => parseProducerArguments(line.split(' '))).toThrow(message);
  expect(message).not.toContain('\n');
});

test('the usage names every flag', () => {
  for (const flag of ['--count', '--rate', '--seed', '--dirty', '--from', '--to', '--speed', '--help'])
    expect(PRODUCER_USAGE).toContain(`  ${flag} `);
});
