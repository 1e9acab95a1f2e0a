import { parseCommandLine, UsageError } from '../command-line/command-line.ts';

/** What `npm run reset` was asked for. */
export interface ResetArguments {
  readonly help: boolean;
  /** Do not ask. */
  readonly yes: boolean;
  /** Show what would be deleted, delete nothing. */
  readonly dryRun: boolean;
}

export const RESET_USAGE = `Usage: npm run reset -- [flags]
  Deletes what the application has counted and how far it has read: the next start counts the input topic from its
  beginning. Takes the environment of npm run processor.
  --dry-run   show what would be deleted, and delete nothing
  --yes       do not ask
  --help      this text
`;

/** @param argv the arguments alone. @throws UsageError */
export function parseResetArguments(argv: readonly string[]): ResetArguments {
  const { values, positionals } = parseCommandLine(argv, {
    help: { type: 'boolean' },
    yes: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  });
  const [stray] = positionals;
  if (stray !== undefined) throw new UsageError(`npm run reset takes flags alone, not "${stray}"`);
  return { help: values.help === true, yes: values.yes === true, dryRun: values['dry-run'] === true };
}
