import { z } from 'zod';
import { StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';
import type { Longs } from './avro-schema.ts';

interface NamedSchema {
  readonly type: string;
  readonly name: string;
  readonly namespace?: string;
  readonly fields?: readonly { readonly name: string; readonly type: unknown; readonly doc?: string }[];
  readonly symbols?: readonly [string, ...string[]];
  readonly items?: unknown;
  readonly values?: unknown;
  readonly doc?: string;
}

/** Kinds of values that a union tells apart by themselves; those of one kind it tells by their names. */
type Kind = 'null' | 'boolean' | 'number' | 'bigint' | 'text' | 'bytes' | 'list' | 'object';

/**
 * A schema of zod's for what `avroSerde` reads by an Avro schema, e.g. for the `value` of a table of the live API. The
 * caller vouches for `T`.
 * @throws StreamsError CONFIG_INVALID for what is no Avro schema.
 */
export function zodFromAvro<T = unknown>(
  schema: object | string,
  options: { readonly longs?: Longs | undefined } = {},
): z.ZodType<T> {
  checkOptions('zodFromAvro', options, ['longs']);
  const { longs = 'number' } = options;
  if (longs !== 'number' && longs !== 'bigint')
    throw new StreamsError('CONFIG_INVALID', `zodFromAvro: longs is "number" or "bigint", not ${textOf(longs)}`);
  const parsed: unknown = typeof schema === 'string' && /^\s*["[{]/.test(schema) ? JSON.parse(schema) : schema;
  return new AvroTypes(longs).typeOf(parsed, '') as z.ZodType<T>;
}

class AvroTypes {
  readonly #longs: Longs;
  readonly #named = new Map<string, { readonly type: z.ZodType; readonly kind: Kind }>();

  constructor(longs: Longs) {
    this.#longs = longs;
  }

  typeOf(schema: unknown, namespace: string): z.ZodType {
    if (typeof schema === 'string') return this.#byName(schema, namespace).type;
    if (Array.isArray(schema)) return this.#unionOf(schema, namespace);
    if (typeof schema !== 'object' || schema === null) throw refused(schema);
    const { type, items, values } = schema as NamedSchema;
    if (typeof type !== 'string') return this.typeOf(type, namespace);
    if (type === 'array') return z.array(this.typeOf(items, namespace));
    if (type === 'map') return z.record(z.string(), this.typeOf(values, namespace));
    return type === 'record' || type === 'enum' || type === 'fixed'
      ? this.#declared(schema as NamedSchema, namespace)
      : this.#byName(type, namespace).type;
  }

  #byName(name: string, namespace: string): { readonly type: z.ZodType; readonly kind: Kind } {
    switch (name) {
      case 'null':
        return { type: z.null(), kind: 'null' };
      case 'boolean':
        return { type: z.boolean(), kind: 'boolean' };
      case 'int':
        return { type: z.int32(), kind: 'number' };
      case 'long':
        return this.#longs === 'bigint' ? { type: z.int64(), kind: 'bigint' } : { type: z.int(), kind: 'number' };
      case 'float':
      case 'double':
        return { type: z.number(), kind: 'number' };
      case 'string':
        return { type: z.string(), kind: 'text' };
      case 'bytes':
        return { type: z.instanceof(Uint8Array), kind: 'bytes' };
      default: {
        const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
        if (found === undefined) throw refused(name);
        return found;
      }
    }
  }

  #declared({ type, name, namespace: own, fields, symbols, doc }: NamedSchema, outer: string): z.ZodType {
    const full = fullName(name, own ?? outer);
    const described = (made: z.ZodType): z.ZodType => (doc === undefined ? made : made.describe(doc));
    if (type === 'fixed') return this.#keep(full, 'bytes', z.instanceof(Uint8Array));
    if (type === 'enum') {
      if (symbols === undefined || symbols.length === 0) throw refused(name);
      return this.#keep(full, 'text', described(z.enum(symbols)));
    }
    if (!Array.isArray(fields)) throw refused(name);
    const within = full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '';
    // A record may hold itself.
    let made: z.ZodType = z.never();
    this.#keep(
      full,
      'object',
      z.lazy(() => made),
    );
    const shape = (fields as NonNullable<NamedSchema['fields']>).map((field) => {
      const part = this.typeOf(field.type, within);
      return [field.name, field.doc === undefined ? part : part.describe(field.doc)] as const;
    });
    made = described(z.object(Object.fromEntries(shape)));
    return this.#keep(full, 'object', made);
  }

  #keep(name: string, kind: Kind, type: z.ZodType): z.ZodType {
    this.#named.set(name, { type, kind });
    return type;
  }

  /** As avsc reads unions: a value by itself where its kind tells, and else `{ name: value }`. */
  #unionOf(branches: readonly unknown[], namespace: string): z.ZodType {
    const types = branches
      .map((branch) => ({ branch, type: this.typeOf(branch, namespace), kind: this.#kindOf(branch, namespace) }))
      .filter(({ kind }) => kind !== 'null');
    const [only, ...others] = types;
    if (only === undefined) return z.null();
    const isPlain = new Set(types.map(({ kind }) => kind)).size === types.length;
    const parts = isPlain
      ? types.map(({ type }) => type)
      : types.map(({ branch, type }) => z.object({ [nameOf(branch, namespace)]: type }));
    const union = others.length === 0 ? only.type : z.union(parts);
    return types.length < branches.length ? union.nullable() : union;
  }

  #kindOf(branch: unknown, namespace: string): Kind {
    if (typeof branch === 'string') return this.#byName(branch, namespace).kind;
    const { type } = branch as NamedSchema;
    if (type === 'array') return 'list';
    if (type === 'map' || type === 'record') return 'object';
    if (type === 'enum') return 'text';
    return type === 'fixed' ? 'bytes' : this.#kindOf(type, namespace);
  }
}

function nameOf(branch: unknown, outer: string): string {
  if (typeof branch === 'string') return branch;
  const { type, name, namespace = outer } = branch as NamedSchema;
  return name === undefined ? type : fullName(name, namespace);
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function refused(schema: unknown): StreamsError {
  return new StreamsError('CONFIG_INVALID', `zodFromAvro takes a schema of Avro: ${textOf(schema)} is no type of one`);
}
