import { didYouMean, textOf } from '@tributary/streams/operations';
import type { DeclaredTable } from '../tables/declared-table.ts';

/** How the processors that own rows are asked for them. */
export interface OwnerOptions {
  /** That of `queryListener` of the processors. */
  readonly token: string;
  /** Where an owner does not answer, a standby does, whose rows may be older; true unless given. */
  readonly allowStale?: boolean | undefined;
}

const KNOWN = ['token', 'allowStale'];

/** One line for each thing that cannot be used. `isFed`: from brokers. */
export function checkOwner(owner: unknown, tables: readonly DeclaredTable[], isFed: boolean, problems: string[]): void {
  const hasToken = owner !== undefined && checkOwnerOption(owner, problems);
  for (const table of tables) {
    if (table.held !== 'owner') continue;
    const problem = problemOf(table, isFed);
    if (problem !== undefined) problems.push(`table ${table.name}: ${problem}`);
    else if (owner === undefined)
      problems.push(
        `table ${table.name}: held: 'owner' needs the option owner: { token }, with the token of queryListener of ` +
          'the processors',
      );
  }
  if (owner !== undefined && !hasToken)
    problems.push('owner.token: must be the token of queryListener of the processors, a text that is not empty');
}

/** True with a token. */
function checkOwnerOption(owner: unknown, problems: string[]): boolean {
  if (typeof owner !== 'object' || owner === null) {
    problems.push(`owner: must be an object, not ${textOf(owner)}`);
    return false;
  }
  for (const name of Object.keys(owner))
    if (!KNOWN.includes(name)) problems.push(`owner has no ${name}: ${didYouMean(name, KNOWN)}`);
  const { token, allowStale }: { readonly token?: unknown; readonly allowStale?: unknown } = owner;
  if (allowStale !== undefined && typeof allowStale !== 'boolean')
    problems.push(`owner.allowStale: must be true or false, not ${textOf(allowStale)}`);
  return typeof token === 'string' && token !== '';
}

function problemOf({ source, shape }: DeclaredTable, isFed: boolean): string | undefined {
  if (!isFed) return "held: 'owner' is for createLiveApi, which asks processors; here the application fills copies";
  if (source.kind === 'topic')
    return "held: 'owner' goes with store: no processor owns the rows of a topic; leave held out, or name the store";
  if (shape.kind !== 'key-value')
    return `held: 'owner' is for stores without ${shape.kind}s as yet; leave held out, so that they are copied`;
  return undefined;
}
