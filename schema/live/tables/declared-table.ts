import type { Serde } from '@tributary/streams';
import type { PlainField, TypedField } from '../types/type-model.ts';

/** Where the rows of a table come from. */
export type TableSource =
  { readonly kind: 'store'; readonly store: string } | { readonly kind: 'topic'; readonly topic: string };

/** How rows are told apart beside their key. */
export type TableShape =
  | { readonly kind: 'key-value' }
  | {
      readonly kind: 'window';
      readonly sizeMs: number;
      /** How far the starts of windows are apart; as their size unless they overlap. */
      readonly advanceMs: number;
      /** A window is kept until its end is so far behind the start of the newest one. */
      readonly retentionMs: number;
    }
  | { readonly kind: 'session' };

/** The key, as text is for most tables. */
export interface TableKey extends PlainField {
  readonly nullable: false;
  readonly serde: Serde<unknown>;
  /** Its bytes are its text in UTF-8: only such keys have a prefix. */
  readonly isText: boolean;
}

/** A table of a live API: what `table()` was given, checked, with all defaults. */
export interface DeclaredTable {
  /** As it is named in `tables`: the name of its roots. */
  readonly name: string;
  /** Of the GraphQL type of its rows. */
  readonly typeName: string;
  readonly description?: string | undefined;
  readonly source: TableSource;
  readonly shape: TableShape;
  readonly key: TableKey;
  /** The fields of its values, without the key's. */
  readonly fields: readonly TypedField[];
  /** By which a client can filter: the key, and those of the options `filter` and `orderBy`. */
  readonly filterFields: readonly PlainField[];
  /** By which a client can order: the key, and those of the option `orderBy`. */
  readonly orderFields: readonly PlainField[];
  /** All plain fields, by which the filter of a viewer's rights may decide. */
  readonly plainFields: readonly PlainField[];
  readonly held: 'everywhere' | 'owner';
  /** More rows than these are not copied. */
  readonly maxRows: number;
  /** Whether it has roots and types of its own; else only resolvers of `extend` read it. */
  readonly served: boolean;
  /**
   * The value that these bytes are, checked and in the form in which rows hold it.
   * @throws Error in one line, without the value, for what is none.
   */
  readonly readValue: (bytes: Buffer) => Readonly<Record<string, unknown>>;
}
