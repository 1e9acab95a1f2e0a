import { parseCommandLine, UsageError } from '../command-line/command-line.ts';

/** What `npm run chaos` was asked for. */
export interface ChaosArguments {
  readonly help: boolean;
  readonly list: boolean;
  /** The mutants instead of the faults: each must be caught. */
  readonly mutants: boolean;
  /** Files of tests/chaos, by the beginning of their names; empty: all of them. */
  readonly names: readonly string[];
  /** Null: a new one each time. */
  readonly seed: number | null;
  /** Of the nemesis; null: 30. */
  readonly minutes: number | null;
  /** As short as inside `npm test`. */
  readonly short: boolean;
}

export const CHAOS_USAGE = `Usage: npm run chaos -- [name ...] [flags]
  name              only the suites whose names begin like this (default: all of them, about an hour and a half)
  --seed <n>        repeat the random choices of an earlier run
  --minutes <n>     how long the nemesis rages (default: 30)
  --short           as short as inside npm test
  --mutants         instead of faults: mistakes put into the code on purpose, each of which must be caught
  --list            the names of the suites
  --help            this text
`;

/** @param argv the arguments alone. @param suites the names there are. @throws UsageError */
export function parseChaosArguments(argv: readonly string[], suites: readonly string[]): ChaosArguments {
  const { values, positionals } = parseCommandLine(argv, {
    help: { type: 'boolean' },
    list: { type: 'boolean' },
    mutants: { type: 'boolean' },
    short: { type: 'boolean' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
  });
  const unknown = positionals.find((name) => !suites.some((suite) => suite.startsWith(name)));
  if (unknown !== undefined) throw new UsageError(`there is no suite "${unknown}": they are ${suites.join(', ')}`);
  if (values.mutants === true && positionals.length > 0)
    throw new UsageError('--mutants runs every mutant: it takes no names');
  return {
    help: values.help === true,
    list: values.list === true,
    mutants: values.mutants === true,
    names: positionals,
    seed: numberOf('--seed', values.seed, /^\d{1,9}$/, 'a whole number'),
    minutes: numberOf('--minutes', values.minutes, /^\d+(\.\d+)?$/, 'a number of minutes'),
    short: values.short === true,
  };
}

function numberOf(flag: string, text: string | undefined, form: RegExp, what: string): number | null {
  if (text === undefined) return null;
  if (!form.test(text)) throw new UsageError(`${flag} takes ${what}, not "${text}"`);
  return Number(text);
}
