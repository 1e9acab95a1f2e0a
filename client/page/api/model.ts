/** What /page/tables.json tells of an API: which tables there are, and what of them can be asked for. */

export interface PageModel {
  readonly applicationId: string;
  readonly tables: readonly PageTable[];
}

export type TableShape =
  | { readonly kind: 'key-value' }
  | {
      readonly kind: 'window';
      readonly sizeMs: number;
      /** How far the starts of windows are apart. */
      readonly advanceMs: number;
      readonly retentionMs: number;
    }
  | { readonly kind: 'session' };

export interface PageTable {
  readonly name: string;
  readonly typeName: string;
  readonly description: string | null;
  readonly held: 'everywhere' | 'owner';
  readonly shape: TableShape;
  readonly key: {
    /** In arguments, filters and orders. */
    readonly name: string;
    /** In rows, where `id` is taken. */
    readonly field: string;
    readonly type: PageType;
    readonly isText: boolean;
  };
  /** Those of the values, without the key. */
  readonly fields: readonly PageField[];
  readonly filterFields: readonly string[];
  readonly orderFields: readonly string[];
}

export interface PageField {
  readonly name: string;
  readonly type: PageType;
  readonly nullable: boolean;
  readonly list: boolean;
  readonly description: string | null;
}

export type PageType =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: 'object'; readonly name: string; readonly fields: readonly PageField[] }
  | {
      readonly kind: 'union';
      readonly name: string;
      readonly members: readonly { readonly name: string; readonly fields: readonly PageField[] }[];
    };

/** The key as a field, then those of the values. */
export function fieldsOf({ key, fields }: PageTable): readonly PageField[] {
  return [{ name: key.name, type: key.type, nullable: false, list: false, description: null }, ...fields];
}

/** A row's value of a field, by the name that `fieldsOf` gives it. */
export function valueOf({ key }: PageTable, row: Readonly<Record<string, unknown>>, name: string): unknown {
  return row[name === key.name ? key.field : name];
}

/** Whether rows are told apart by time beside their key. */
export function hasWindows({ shape }: PageTable): boolean {
  return shape.kind !== 'key-value';
}
