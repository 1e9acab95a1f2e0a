import { parse, print } from 'graphql';
import type { DeclaredTable } from '../tables/declared-table.ts';
import { BASE_SDL } from './base-sdl.ts';
import { fieldFilters, keyRanges } from './filter-sdl.ts';
import { PROCESSOR_SDL } from './processor-sdl.ts';
import { queryType, subscriptionType } from './root-sdl.ts';
import { rowTypes } from './row-sdl.ts';
import { isNamedDefinition, reachable, type NamedDefinition } from './sdl-definitions.ts';
import { valueTypes } from './value-sdl.ts';

/** These are there whether a table uses them or not. */
const ALWAYS = ['DateTime', 'Count', 'Cursor'];

/**
 * The schema of these tables as SDL, everything with a description: first what every API has, then what is made for the
 * tables in the order of their declaration. The same tables give the same text.
 */
export function tablesSdl(tables: readonly DeclaredTable[]): string {
  const definitions = reachable(tableDefinitions(tables), { nodes: [], names: ALWAYS });
  return `${definitions.map(print).join('\n\n')}\n`;
}

/** All that an API can have over these tables, also what nothing in it leads to. */
export function tableDefinitions(tables: readonly DeclaredTable[]): readonly NamedDefinition[] {
  const served = tables.filter((table) => table.served);
  const text = [
    BASE_SDL,
    ...keyRanges(served),
    ...fieldFilters(served),
    ...valueTypes(served),
    ...served.flatMap(rowTypes),
    PROCESSOR_SDL,
    queryType(served),
    subscriptionType(served),
  ].join('\n');
  return parse(text, { noLocation: true }).definitions.filter(isNamedDefinition);
}
