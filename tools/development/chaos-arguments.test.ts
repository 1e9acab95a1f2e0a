import { describe, expect, test } from '@jest/globals';
import { parseChaosArguments } from './chaos-arguments.ts';

const SUITES = ['kill-points', 'kills', 'nemesis'];
const parse = (...argv: string[]) => parseChaosArguments(argv, SUITES);

describe('npm run chaos takes', () => {
  test('nothing: every suite at full length', () => {
    expect(parse()).toEqual({
      help: false,
      list: false,
      mutants: false,
      names: [],
      seed: null,
      minutes: null,
      short: false,
    });
  });

  test('names, a seed, minutes', () => {
    expect(parse('kill', 'nemesis', '--seed', '7', '--minutes=0.5', '--short')).toMatchObject({
      names: ['kill', 'nemesis'],
      seed: 7,
      minutes: 0.5,
      short: true,
    });
  });

  test.each([
    [['storm'], 'there is no suite "storm": they are kill-points, kills, nemesis'],
    [['--seed', 'x'], '--seed takes a whole number, not "x"'],
    [['--minutes', '-1'], /--minutes/],
    [['--storm'], /--storm/],
    [['--mutants', 'kills'], '--mutants runs every mutant: it takes no names'],
  ])('not %j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(message);
  });
});
