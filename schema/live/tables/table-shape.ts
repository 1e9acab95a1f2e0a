import { didYouMean, textOf } from '@tributary/streams/operations';
import { nameProblem, quoted } from '../types/graphql-names.ts';
import { isPlainObject } from '../types/plain-object.ts';
import type { TableShape, TableSource } from './declared-table.ts';

/** What `table()` was given: whatever a program can pass. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Says what is wrong with an option of one table. */
export type Refuse = (option: string, problem: string) => undefined;

/** More rows than these are not copied unless the table says so. */
const MOST_ROWS = 200_000;

export function sourceOf({ store, topic }: GivenOptions, refuse: Refuse): TableSource | undefined {
  if (store !== undefined && topic !== undefined)
    return refuse('store, topic', 'are both given: a table is of a store or of a topic');
  const [option, name] = topic === undefined ? ['store', store] : ['topic', topic];
  if (name === undefined) return refuse('store', 'is missing: give store or topic, by its name');
  if (typeof name !== 'string' || name === '') return refuse(option, `is a name, not ${textOf(name)}`);
  return topic === undefined ? { kind: 'store', store: name } : { kind: 'topic', topic: name };
}

const WINDOW_OPTIONS = ['sizeMs', 'retentionMs', 'advanceMs'];

export function shapeOf({ window, session, topic }: GivenOptions, refuse: Refuse): TableShape | undefined {
  if (window !== undefined && session !== undefined)
    return refuse('window, session', 'are both given: a store has windows or sessions');
  const option = window === undefined ? 'session' : 'window';
  const given = window === undefined ? session : window;
  if (given === undefined) return { kind: 'key-value' };
  if (topic !== undefined)
    return refuse(option, `goes with store: the rows of a topic have plain keys, so leave ${option} out`);
  if (!isPlainObject(given))
    return refuse(option, `is ${option === 'session' ? '{}' : '{ sizeMs, retentionMs }'}, not ${textOf(given)}`);
  const known = option === 'session' ? [] : WINDOW_OPTIONS;
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) return refuse(option, `has no option ${quoted(unknown)}: ${didYouMean(unknown, known)}`);
  return option === 'session' ? { kind: 'session' } : windowShape({ ...given }, refuse);
}

function windowShape(given: GivenOptions, refuse: Refuse): TableShape | undefined {
  const { sizeMs, retentionMs, advanceMs = sizeMs } = given;
  let isWhole = true;
  for (const [name, ms] of Object.entries({ sizeMs, retentionMs, advanceMs })) {
    if (isMs(ms) || (name === 'advanceMs' && given['advanceMs'] === undefined)) continue;
    refuse(`window.${name}`, `is a whole number of milliseconds, 1 or more, not ${textOf(ms)}`);
    isWhole = false;
  }
  if (!isWhole || !isMs(sizeMs) || !isMs(retentionMs) || !isMs(advanceMs)) return undefined;
  if (advanceMs > sizeMs)
    return refuse('window.advanceMs', `is at most sizeMs, ${String(sizeMs)}, and is ${String(advanceMs)}`);
  return { kind: 'window', sizeMs, advanceMs, retentionMs };
}

function isMs(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

export function heldOf({ held = 'everywhere' }: GivenOptions, refuse: Refuse): 'everywhere' | 'owner' {
  if (held === 'everywhere' || held === 'owner') return held;
  refuse('held', `is "everywhere" or "owner", not ${textOf(held)}`);
  return 'everywhere';
}

export function maxRowsOf({ maxRows = MOST_ROWS }: GivenOptions, refuse: Refuse): number {
  if (Number.isSafeInteger(maxRows) && Number(maxRows) > 0) return Number(maxRows);
  refuse('maxRows', `is a whole number, 1 or more, not ${textOf(maxRows)}`);
  return MOST_ROWS;
}

export function servedOf({ served = true }: GivenOptions, refuse: Refuse): boolean {
  if (typeof served === 'boolean') return served;
  refuse('served', `is true or false, not ${textOf(served)}`);
  return true;
}

export function descriptionOf({ description }: GivenOptions, refuse: Refuse): string | undefined {
  if (typeof description === 'string' || description === undefined) return description?.trim() || undefined;
  return refuse('description', `is text, not ${textOf(description)}`);
}

/** The name of the type, `fallback` unless one is given. */
export function typeNameOf({ type }: GivenOptions, fallback: string, refuse: Refuse): string {
  if (type === undefined) return fallback;
  if (typeof type !== 'string') refuse('type', `is the name of a GraphQL type, not ${textOf(type)}`);
  else {
    const problem = nameProblem(type);
    if (problem === undefined) return type;
    refuse('type', `${quoted(type)} ${problem}`);
  }
  return fallback;
}
