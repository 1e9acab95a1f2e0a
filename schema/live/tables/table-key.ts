import { bigint64Serde, booleanSerde, int32Serde, int64Serde, stringSerde, type Serde } from '@tributary/streams';
import { didYouMean, textOf } from '@tributary/streams/operations';
import type { z } from 'zod';
import { ARGUMENTS, FILTER_WORDS } from '../types/generated-names.ts';
import { capitalised, nameProblem, quoted } from '../types/graphql-names.ts';
import type { EnumType, ScalarName, ScalarType } from '../types/type-model.ts';
import { valueCheck } from '../types/value-reader.ts';
import { checksOf, isSchema, unwrap } from '../types/zod-layers.ts';
import type { ZodTypes } from '../types/zod-type.ts';
import type { TableKey } from './declared-table.ts';
import type { Refuse } from './table-shape.ts';

const ONE_FIELD = 'is one field and its type, such as { sku: z.string() }';

interface OfTable {
  readonly name: string;
  readonly typeName: string;
  /** Windows and sessions have roots with more arguments beside the key's. */
  readonly isWindowed: boolean;
  /** Fields that its rows have of their own. */
  readonly taken: readonly string[];
}

/** The key's field, its type, and what turns it into bytes. */
export function keyOf(given: unknown, of: OfTable, types: ZodTypes, refuse: Refuse): TableKey | undefined {
  if (typeof given !== 'object' || given === null || isSchema(given) || Array.isArray(given))
    return refuse('key', given === undefined ? `is missing: it ${ONE_FIELD}` : `${ONE_FIELD}, not ${textOf(given)}`);
  const [entry, ...others] = Object.entries(given);
  if (entry === undefined || others.length > 0)
    return refuse('key', `${ONE_FIELD}, and has ${String(Object.keys(given).length)} fields`);
  const [field, part] = entry as [string, unknown];
  const problem = keyNameProblem(field, of);
  if (problem !== undefined) return refuse(`key.${field}`, problem);

  const parts = typeAndSerde(part, (problem_) => refuse(`key.${field}`, problem_));
  if (parts === undefined) return undefined;
  const read = types.read(parts.type, of.typeName + capitalised(field), { table: of.name, path: `key.${field}` });
  if (read === undefined || !isSchema(parts.type)) return undefined;
  const { type, nullable, description } = read;
  const refuseKey = (why: string): undefined => refuse(`key.${field}`, why);
  if (nullable) return refuseKey('can be null, and a row has a key: leave .optional() and .nullable() out');
  if (type.kind === 'scalar' && type.name === 'DateTime')
    return refuseKey('is a DateTime, and one instant has several texts: use z.string()');
  if ((type.kind !== 'scalar' && type.kind !== 'enum') || type.name === 'JSON')
    return refuseKey(`is ${type.kind === 'scalar' ? 'JSON' : `a ${type.kind}`}, and a key is one plain value`);

  const serde = parts.serde ?? naturalSerde(type);
  if (serde === undefined)
    return refuseKey(
      `is ${type.name}, whose bytes can be of several forms: give { type, serde }, such as int64Serde or float64Serde`,
    );
  const misfit = serdeProblem(type, serde);
  if (misfit !== undefined) return refuseKey(misfit);
  const isText = type.name === 'String' && (serde.format === 'utf8' || serde.format === 'uuid');
  return { name: field, type, nullable: false, description, serde: checkedSerde(serde, parts.type), isText };
}

function keyNameProblem(field: string, { isWindowed, taken }: OfTable): string | undefined {
  const args: readonly string[] = ARGUMENTS[isWindowed ? 'windowed' : 'key-value'];
  if (nameProblem(field) !== undefined) return nameProblem(field);
  if (field !== 'id' && taken.includes(field))
    return `and the ${quoted(field)} that rows have of their own have one name: give the key another one`;
  if (args.includes(field))
    return `and the argument ${quoted(field)} of the table's roots have one name: give the key another one`;
  return FILTER_WORDS.includes(field)
    ? `and the ${quoted(field)} of filters have one name: give the key another one`
    : undefined;
}

function typeAndSerde(
  part: unknown,
  refuse: (problem: string) => undefined,
): { readonly type: unknown; readonly serde: Serde<unknown> | undefined } | undefined {
  // What looks like a schema of another version is told so by what reads it.
  if (isSchema(part) || typeof part !== 'object' || part === null || '_def' in part)
    return { type: part, serde: undefined };
  const known = ['type', 'serde'];
  const unknown = Object.keys(part).find((name) => !known.includes(name));
  if (unknown !== undefined) return refuse(`has no option ${quoted(unknown)}: ${didYouMean(unknown, known)}`);
  const { type, serde }: { readonly type?: unknown; readonly serde?: unknown } = part;
  if (serde === undefined || isSerde(serde)) return { type, serde };
  return refuse(`needs a serde, with serialize and deserialize, not ${textOf(serde)}`);
}

export function isSerde(value: unknown): value is Serde<unknown> {
  const { serialize, deserialize } = (value ?? {}) as Partial<Record<'serialize' | 'deserialize', unknown>>;
  return typeof serialize === 'function' && typeof deserialize === 'function';
}

/** The one form in which bytes of this type are written; undefined where there are several. */
function naturalSerde(type: ScalarType | EnumType): Serde<unknown> | undefined {
  if (type.kind === 'enum') return stringSerde;
  const serdes: Partial<Record<ScalarName, Serde<unknown>>> = {
    String: stringSerde,
    Date: stringSerde,
    Int: int32Serde,
    BigInt: bigint64Serde,
    Boolean: booleanSerde,
  };
  return serdes[type.name];
}

/** What the serdes of the runtime read. Those of an application may read anything. */
const READ_BY_FORMAT: Readonly<Record<string, readonly ScalarName[]>> = {
  utf8: ['String', 'Date'],
  uuid: ['String'],
  int32: ['Int', 'Count', 'SafeInt'],
  int64: ['Int', 'Count', 'SafeInt', 'BigInt'],
  float64: ['Int', 'Count', 'SafeInt', 'Float'],
  boolean: ['Boolean'],
  json: ['String', 'Date', 'Int', 'Count', 'SafeInt', 'Float', 'Boolean'],
  bytes: [],
};

function serdeProblem(type: ScalarType | EnumType, serde: Serde<unknown>): string | undefined {
  const name = type.kind === 'enum' ? 'String' : type.name;
  const read = serde.format === undefined ? undefined : READ_BY_FORMAT[serde.format];
  if (read !== undefined && !read.includes(name))
    return `is ${type.name}, and its serde reads ${String(serde.format)}: give the one that wrote the keys`;
  if (name === 'BigInt' && serde === int64Serde) return 'is BigInt, and its serde reads numbers: use bigint64Serde';
  if (name !== 'BigInt' && serde === bigint64Serde)
    return `is ${type.name}, and its serde reads bigints: use int64Serde, or z.bigint()`;
  return undefined;
}

/** Reads only keys that fit their schema; a key that is any text needs no check. */
function checkedSerde(serde: Serde<unknown>, schema: z.core.$ZodType): Serde<unknown> {
  const { inner } = unwrap(schema);
  if (inner._zod.def.type === 'string' && checksOf(inner).length === 0 && serde === stringSerde) return serde;
  const check = valueCheck(schema);
  return {
    ...serde,
    serialize: (key) => serde.serialize(key),
    deserialize: (bytes) => {
      const key = check(serde.deserialize(bytes));
      // By other bytes of the same key nobody would find its row, and two rows would have one id.
      if (!serde.serialize(key).equals(bytes))
        throw new TypeError('the bytes of the key are not as its serde writes it');
      return key;
    },
  };
}
