/** What `npm run producer` was asked for. */
export interface ProducerArguments {
  readonly help: boolean;
  /** How many logins, then end; null: until it is stopped. */
  readonly count: number | null;
  /** Logins a second; null: PRODUCER_RATE, or, with a count, as fast as the broker takes them. */
  readonly ratePerSecond: number | null;
  /** Null: a new one each time. */
  readonly seed: number | null;
  /** Share of dirty records, 0 to 1. */
  readonly dirtyShare: number;
  /** Event time of the first login, epoch milliseconds; null: each login has the time at which it is made. */
  readonly fromMs: number | null;
  /** Only with `fromMs` and a count: their event times are spread evenly up to here (exclusive), epoch milliseconds. */
  readonly toMs: number | null;
  /** Only with `fromMs` and without `toMs`: how many times as fast as the rate event time goes. */
  readonly speed: number;
}

/** An argument that cannot be used; its message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const PRODUCER_USAGE = `Usage: npm run producer -- [flags]
  --count <n>       publish n logins and end; as fast as possible unless --rate is given
  --rate <n>        logins a second (default: PRODUCER_RATE)
  --seed <n>        the same logins each time
  --dirty [share]   dirty records of every kind among them (default share: 0.05)
  --from <time>     event time of the first login, RFC 3339, such as 2024-07-10T02:00:00Z
  --to <time>       with --from and --count: spread event times evenly up to here
  --speed <n>       with --from: event time goes n times as fast as logins are due
  --help            this text
`;

const DEFAULT_DIRTY_SHARE = 0.05;
const FLAGS = new Set(['--count', '--rate', '--seed', '--dirty', '--from', '--to', '--speed', '--help']);

/** @param argv the arguments alone. `--flag value` and `--flag=value` are the same. @throws UsageError */
export function parseProducerArguments(argv: readonly string[]): ProducerArguments {
  const given = split(argv);
  const value = <T>(flag: string, parse: (flag: string, text: string) => T): T | null => {
    if (!given.has(flag)) return null;
    const text = given.get(flag);
    if (text === undefined) throw new UsageError(`${flag} needs a value`);
    return parse(flag, text);
  };

  const help = given.has('--help');
  if (given.get('--help') !== undefined) throw new UsageError('--help takes no value');
  const count = value('--count', (flag, text) => wholeNumber(flag, text, 1));
  const fromMs = value('--from', time);
  const toMs = value('--to', time);
  const speed = value('--speed', positiveNumber);
  const dirtyShare = !given.has('--dirty')
    ? 0
    : given.get('--dirty') === undefined
      ? DEFAULT_DIRTY_SHARE
      : share('--dirty', given.get('--dirty') as string);

  if (toMs !== null && (fromMs === null || count === null)) throw new UsageError('--to needs --from and --count');
  if (toMs !== null && fromMs !== null && toMs <= fromMs) throw new UsageError('--to must be later than --from');
  if (speed !== null && fromMs === null)
    throw new UsageError('--speed needs --from: without it each login has the time at which it is made');
  if (speed !== null && toMs !== null) throw new UsageError('--speed and --to exclude each other');
  return {
    help,
    count,
    ratePerSecond: value('--rate', positiveNumber),
    seed: value('--seed', (flag, text) => wholeNumber(flag, text, 0)),
    dirtyShare,
    fromMs,
    toMs,
    speed: speed ?? 1,
  };
}

/** Flags with their texts; undefined for a flag that came alone. */
function split(argv: readonly string[]): Map<string, string | undefined> {
  const given = new Map<string, string | undefined>();
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string;
    const equals = argument.indexOf('=');
    const flag = equals < 0 ? argument : argument.slice(0, equals);
    if (!FLAGS.has(flag)) throw new UsageError(`${flag} is no flag of the producer`);
    if (given.has(flag)) throw new UsageError(`${flag} is given twice`);
    const next = argv[i + 1];
    if (equals >= 0) {
      given.set(flag, argument.slice(equals + 1));
    } else if (flag !== '--help' && next !== undefined && !next.startsWith('--')) {
      given.set(flag, next);
      i += 1;
    } else {
      given.set(flag, undefined);
    }
  }
  return given;
}

function wholeNumber(flag: string, text: string, least: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || !Number.isSafeInteger(number))
    throw new UsageError(`${flag} takes a whole number from ${least} on, not "${text}"`);
  return number;
}

function positiveNumber(flag: string, text: string): number {
  const number = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || number <= 0 || number > 1_000_000)
    throw new UsageError(`${flag} takes a number above 0, at most 1000000, not "${text}"`);
  return number;
}

function share(flag: string, text: string): number {
  const number = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || number > 1)
    throw new UsageError(`${flag} takes a share from 0 to 1, not "${text}"`);
  return number;
}

function time(flag: string, text: string): number {
  const timeMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.test(text)
    ? Date.parse(text.toUpperCase())
    : NaN;
  if (Number.isNaN(timeMs))
    throw new UsageError(`${flag} takes an RFC 3339 time such as 2024-07-10T02:00:00Z, not "${text}"`);
  return timeMs;
}
