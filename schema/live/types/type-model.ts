/**
 * The GraphQL types of a table's values, as data. They are read once from zod schemas; SDL, resolvers, filters and the
 * readers of values are all made from them, so that none can differ from another one.
 */

/** Scalars that a table's fields can have. A value is in the form in which rows hold it. */
export type ScalarName =
  /** Text. */
  | 'String'
  /** A whole number of 32 bits. */
  | 'Int'
  /** A whole number from 0 to 2^53 - 1. */
  | 'Count'
  /** A whole number to 2^53 - 1 either way. */
  | 'SafeInt'
  | 'Float'
  /** A bigint; decimal text for clients. */
  | 'BigInt'
  | 'Boolean'
  /** The text of the value, RFC 3339; clients get it in UTC with milliseconds. */
  | 'DateTime'
  /** The text of the value, such as 2026-01-31. */
  | 'Date'
  | 'JSON';

export interface ScalarType {
  readonly kind: 'scalar';
  readonly name: ScalarName;
}

/** Text that is one of a few; the values are the names that clients see. */
export interface EnumType {
  readonly kind: 'enum';
  readonly name: string;
  readonly description?: string | undefined;
  readonly values: readonly string[];
}

export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  readonly description?: string | undefined;
  readonly fields: readonly TypedField[];
}

/** Objects that are told apart by the text in one of their fields. */
export interface UnionType {
  readonly kind: 'union';
  readonly name: string;
  readonly description?: string | undefined;
  readonly discriminator: string;
  readonly members: readonly UnionMember[];
}

interface UnionMember {
  /** What the discriminator's field says in a value of this type. */
  readonly values: readonly string[];
  readonly type: ObjectType;
}

export interface ListType {
  readonly kind: 'list';
  readonly of: FieldType;
  /** Whether an item may be null. */
  readonly nullableItems: boolean;
}

export type FieldType = ScalarType | EnumType | ObjectType | UnionType | ListType;

export interface TypedField {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly description?: string | undefined;
}

/** A field that rows can be found and ordered by: one plain value. */
export interface PlainField extends TypedField {
  readonly type: ScalarType | EnumType;
}
