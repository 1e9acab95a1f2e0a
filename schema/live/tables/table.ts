import type { Serde } from '@tributary/streams';
import type { z } from 'zod';

type Schema = z.core.$ZodType;

/** One field, and its type; beside a serde where the bytes of a key do not follow from its type. */
export type KeyOption = Readonly<Record<string, Schema | { readonly type: Schema; readonly serde?: Serde<unknown> }>>;

/** An object. */
export type ValueOption = z.core.$ZodType<Readonly<Record<string, unknown>>>;

/** As the windows of the store are, in milliseconds. */
export interface TableWindow {
  readonly sizeMs: number;
  /** How long a window is kept. */
  readonly retentionMs: number;
  /** How far the starts of windows are apart, where they overlap. */
  readonly advanceMs?: number | undefined;
}

/** What a table of a live API is made from. Either `store` or `topic` is given. */
export interface TableOptions<K extends KeyOption, V extends ValueOption, W, S> {
  /** The store of the application whose rows it serves. */
  readonly store?: string | undefined;
  /** Or a compacted topic. */
  readonly topic?: string | undefined;
  /** The key's field, exactly one: `{ sku: z.string() }`, or `{ id: { type: z.int32(), serde: int32Serde } }`. */
  readonly key: K;
  /** What checks the values, and makes their type. */
  readonly value: V;
  /** Of the values; JSON unless given. */
  readonly serde?: Serde<unknown> | undefined;
  /** For a store of windows. */
  readonly window?: W | undefined;
  /** For a store of sessions: `{}`. */
  readonly session?: S | undefined;
  /** Fields that clients can order and filter by, beside the key. */
  readonly orderBy?: readonly FieldsOf<NoInfer<K>, NoInfer<V>>[] | undefined;
  /** Fields that clients can filter by, beside those and the key. */
  readonly filter?: readonly FieldsOf<NoInfer<K>, NoInfer<V>>[] | undefined;
  /** Whether each API instance holds a copy, or asks the processor that owns a row. `everywhere` unless given. */
  readonly held?: 'everywhere' | 'owner' | undefined;
  /** The largest table that is copied, 200,000 rows unless given. */
  readonly maxRows?: number | undefined;
  /** The name of its GraphQL type: its own with a capital unless given. */
  readonly type?: string | undefined;
  /** Of its GraphQL type. */
  readonly description?: string | undefined;
  /** `false`: it has no roots and types, and only resolvers of `extend` read it. */
  readonly served?: boolean | undefined;
}

type FieldsOf<K extends KeyOption, V extends ValueOption> = Extract<keyof z.output<V> | keyof K, string>;

type OutputOf<F> = F extends Schema
  ? z.output<F>
  : F extends { readonly type: infer T extends Schema }
    ? z.output<T>
    : never;

type KeyOf<K extends KeyOption> = OutputOf<K[keyof K]>;

type Flat<T> = { readonly [N in keyof T]: T[N] };

type RowOf<K extends KeyOption, V extends ValueOption, Windowed> = Flat<
  { [N in keyof K]: OutputOf<K[N]> } & Omit<z.output<V>, keyof K> &
    ([Windowed] extends [undefined] ? unknown : { window: RowWindow })
>;

/** Which window or session a row is of, in epoch milliseconds. */
export interface RowWindow {
  readonly start: number;
  readonly end: number;
}

const OPTIONS: unique symbol = Symbol.for('@tributary/graphql table');

/** A table as it was declared, and the types of its keys and rows. Nothing of it is checked yet. */
export interface TableDeclaration<Key = unknown, Row = unknown> {
  readonly [OPTIONS]: unknown;
  /** For the compiler: never there. */
  readonly types?: { readonly key: Key; readonly row: Row };
}

/**
 * Declares a table of a live API. It never throws: all options of all tables are checked together when the API is made.
 */
export function table<
  const K extends KeyOption,
  V extends ValueOption,
  W extends TableWindow | undefined = undefined,
  S extends Readonly<Record<string, never>> | undefined = undefined,
>(options: TableOptions<K, V, W, S>): TableDeclaration<KeyOf<K>, RowOf<K, V, W | S>> {
  const given: unknown = options;
  return Object.freeze({
    [OPTIONS]:
      typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.freeze({ ...given }) : given,
  });
}

/** What `table()` was given; undefined for what it did not make. */
export function optionsOf(declaration: unknown): { readonly options: unknown } | undefined {
  return typeof declaration === 'object' && declaration !== null && OPTIONS in declaration
    ? { options: declaration[OPTIONS] }
    : undefined;
}
