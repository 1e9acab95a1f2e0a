import { parseCommandLine, UsageError } from '../command-line/command-line.ts';

/** Which dead letters. */
export interface Selection {
  /** `partition:offset` each; empty: all that the rest allows. */
  readonly ids: readonly string[];
  /** Null: any. */
  readonly reason: string | null;
  /** Dead-lettered then or later, epoch milliseconds. Null: whenever. */
  readonly fromMs: number | null;
}

/** What `npm run dead-letters` was asked for. */
export type DeadLettersArguments =
  | { readonly command: 'help' }
  | { readonly command: 'list'; readonly selection: Selection; readonly limit: number; readonly json: boolean }
  | { readonly command: 'show'; readonly id: string; readonly json: boolean }
  | { readonly command: 'redrive'; readonly selection: Selection; readonly dryRun: boolean; readonly yes: boolean };

const DEFAULT_LIMIT = 100;

export const DEAD_LETTERS_USAGE = `Usage: npm run dead-letters -- <command> [flags]
  list                                  the newest ${String(DEFAULT_LIMIT)} dead letters
    --reason <reason>                   with this reason, such as NOT_JSON
    --from <time>                       dead-lettered from this RFC 3339 time on
    --limit <n>                         the newest n
    --json                              one object a line
  show <partition:offset>               one dead letter, unprintable bytes escaped
    --json                              whole, its bytes in base64
  redrive <partition:offset> ...        send dead letters to the input topic again, each at most once
  redrive --reason <reason> | --all     all with this reason, or all; both take --from
    --dry-run                           show how many, and send none
    --yes                               do not ask
  --help                                this text
`;

const OPTIONS = {
  help: { type: 'boolean' },
  reason: { type: 'string' },
  from: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  all: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
} as const;

const FLAGS_OF: Readonly<Record<string, readonly string[]>> = {
  list: ['reason', 'from', 'limit', 'json'],
  show: ['json'],
  redrive: ['reason', 'from', 'all', 'dry-run', 'yes'],
};

/** @param argv the arguments alone. @throws UsageError */
export function parseDeadLettersArguments(argv: readonly string[]): DeadLettersArguments {
  const { values, positionals } = parseCommandLine(argv, OPTIONS);
  const [command, ...rest] = positionals;
  if (values.help === true) return { command: 'help' };
  if (command === undefined) throw new UsageError('say what to do with the dead letters: list, show or redrive');
  const flags = FLAGS_OF[command];
  if (flags === undefined) throw new UsageError(`"${command}" is no command: it takes list, show or redrive`);
  const stray = Object.keys(values).find((flag) => !flags.includes(flag));
  if (stray !== undefined) throw new UsageError(`${command} takes no --${stray}`);
  const { reason, from, limit, json = false, all = false, yes = false } = values;
  const selection: Selection = {
    ids: command === 'redrive' ? rest.map(idOf) : [],
    reason: reason ?? null,
    fromMs: from === undefined ? null : timeOf(from),
  };

  switch (command) {
    case 'list':
      if (rest[0] !== undefined) throw new UsageError(`list takes flags alone, not "${rest[0]}"`);
      return { command, selection, limit: limit === undefined ? DEFAULT_LIMIT : limitOf(limit), json };
    case 'show':
      if (rest.length !== 1) throw new UsageError('show takes one dead letter, as partition:offset');
      return { command, id: idOf(rest[0] as string), json };
    default: {
      const ways = [selection.ids.length > 0, reason !== undefined, all].filter(Boolean).length;
      if (ways !== 1) throw new UsageError('redrive takes dead letters as partition:offset, or --reason, or --all');
      if (selection.ids.length > 0 && from !== undefined)
        throw new UsageError('redrive takes --from with --reason or --all');
      return {
        command: 'redrive',
        selection: { ...selection, ids: [...new Set(selection.ids)] },
        dryRun: values['dry-run'] === true,
        yes,
      };
    }
  }
}

function idOf(text: string): string {
  const match = /^(\d{1,9}):(\d{1,15})$/.exec(text);
  if (match === null) throw new UsageError(`"${text}" is no dead letter: it takes partition:offset, such as 0:17`);
  return `${String(Number(match[1]))}:${String(Number(match[2]))}`;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,9}$/.test(text) || limit < 1)
    throw new UsageError(`--limit takes a whole number from 1 on, not "${text}"`);
  return limit;
}

function timeOf(text: string): number {
  const timeMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.test(text)
    ? Date.parse(text.toUpperCase())
    : NaN;
  if (Number.isNaN(timeMs))
    throw new UsageError(`--from takes an RFC 3339 time such as 2024-07-10T02:00:00Z, not "${text}"`);
  return timeMs;
}
