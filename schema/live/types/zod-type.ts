import type { z } from 'zod';
import { enumValues } from './enum-values.ts';
import { capitalised, nameProblem, quoted } from './graphql-names.ts';
import { sameType } from './same-type.ts';
import { numberType, textType } from './scalar-types.ts';
import type {
  EnumType,
  FieldType,
  ListType,
  ObjectType,
  ScalarName,
  ScalarType,
  TypedField,
  UnionType,
} from './type-model.ts';
import { noJsonFor, noTypeFor, notJson } from './zod-kinds.ts';
import { descriptionOf, givenName, isSchema, noSchema, rootOf, unwrap, type Unwrapped } from './zod-layers.ts';
import { discriminating, flattened, isDiscriminated } from './zod-union.ts';

type Schema = z.core.$ZodType;

/** Where a schema stands: what a problem names. */
export interface Place {
  readonly table: string;
  /** Such as `lines[].price`; `value` for the whole. */
  readonly path: string;
}

/** A type, and what stands with it in a field. */
export type ReadType = Omit<TypedField, 'name'>;

interface Naming {
  readonly name: string;
  readonly description: string | undefined;
}

/** A row has an end. What is deeper holds itself, in a way that makes a new schema each time. */
const MOST_LEVELS = 32;

/**
 * Makes types of zod schemas, for all tables of one API: a name that was given by `.meta({ id })` is one type wherever
 * it is used. What has no type is a line in `problems`, which names table, path and kind.
 */
export class ZodTypes {
  readonly #problems: string[];
  /** By the names that were given: whose they are. */
  readonly #holders = new Map<string, { readonly root: Schema; readonly place: Place }>();
  /** By the same names; undefined is a type that could not be made, which was said. */
  readonly #types = new Map<string, FieldType | undefined>();
  /** The objects that are being read now. */
  readonly #around: Schema[] = [];

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  /** The type of a value, or undefined for what has none. `name` is for a type that was given none. */
  read(schema: unknown, name: string, place: Place): ReadType | undefined {
    const unwrapped = this.#unwrap(schema, place);
    if (unwrapped === undefined) return undefined;
    const type = this.#typeOf(unwrapped, name, place);
    if (type === undefined) return undefined;
    const { type: kind } = unwrapped.inner._zod.def;
    const nullable = unwrapped.nullable || kind === 'any' || kind === 'unknown';
    return { type, nullable, description: descriptionOf(unwrapped.layers) };
  }

  /** The object that a table's value must be. Its name is the table's, whatever it was given itself. */
  readValue(schema: unknown, name: string, place: Place): ObjectType | undefined {
    const unwrapped = this.#unwrap(schema, place);
    if (unwrapped === undefined) return undefined;
    const { layers, inner, nullable } = unwrapped;
    if (nullable) return this.#refuse(place, 'can be null, and a row has a value: without one it is deleted');
    const { def } = inner._zod;
    if (def.type === 'object') return this.#object(inner, def, { name, description: descriptionOf(layers) }, place);
    return this.#refuse(
      place,
      def.type === 'union'
        ? 'is a union, and must be an object: put the union in a field of one'
        : `is ${def.type}, and must be an object: use z.object(), and a serde that answers one`,
    );
  }

  #unwrap(schema: unknown, place: Place): Unwrapped | undefined {
    if (!isSchema(schema)) return this.#refuse(place, noSchema(schema));
    const unwrapped = unwrap(schema);
    const given = givenName(unwrapped.layers);
    if (given === undefined) return unwrapped;
    const root = rootOf(unwrapped.inner);
    const before = this.#holders.get(given.id);
    if (before === undefined) this.#holders.set(given.id, { root, place });
    else if (before.root !== root)
      return this.#refuse(
        place,
        `has the id ${quoted(given.id)}, which another schema has, ${before.place.path} of table ` +
          `${quoted(before.place.table)}: give each its own`,
      );
    return unwrapped;
  }

  #typeOf({ layers, inner }: Unwrapped, ownName: string, place: Place): FieldType | undefined {
    const { def } = inner._zod;
    const given = givenName(layers);
    const naming: Naming = {
      name: given?.id ?? ownName,
      description: descriptionOf(given === undefined ? layers : [given.holder, ...layers]),
    };
    const once = (make: () => FieldType | undefined): FieldType | undefined => this.#once(given?.id, place, make);
    switch (def.type) {
      case 'string': {
        const text = textType(inner);
        return 'problem' in text ? this.#refuse(place, text.problem) : scalar(text.name);
      }
      case 'number':
        return scalar(numberType(inner));
      case 'bigint':
        return scalar('BigInt');
      case 'boolean':
        return scalar('Boolean');
      case 'any':
      case 'unknown':
        return scalar('JSON');
      case 'record': {
        const stranger = notJson(inner);
        return stranger === undefined ? scalar('JSON') : this.#refuse(place, noJsonFor(stranger));
      }
      case 'enum':
        return once(() => this.#enum(Object.values(def.entries), naming, place));
      case 'literal':
        return once(() => this.#enum(def.values, naming, place));
      case 'object':
        return once(() => this.#object(inner, def, naming, place, 'fields'));
      case 'union':
        return isDiscriminated(def)
          ? once(() => this.#union(def, naming, place))
          : this.#refuse(place, noTypeFor(inner));
      case 'array':
        return this.#list([def.element], ownName, place);
      case 'tuple':
        return this.#list(def.rest === null ? def.items : [...def.items, def.rest], ownName, place);
      default:
        return this.#refuse(place, noTypeFor(inner));
    }
  }

  #once(id: string | undefined, place: Place, make: () => FieldType | undefined): FieldType | undefined {
    if (id === undefined) return make();
    const problem = nameProblem(id);
    if (problem !== undefined) return this.#refuse(place, `has the id ${quoted(id)}, which ${problem}`);
    if (!this.#types.has(id)) this.#types.set(id, make());
    return this.#types.get(id);
  }

  #enum(values: readonly unknown[], { name, description }: Naming, place: Place): EnumType | undefined {
    const read = enumValues(values);
    return 'problem' in read
      ? this.#refuse(place, read.problem)
      : { kind: 'enum', name, description, values: read.values };
  }

  /** An object in a row must have fields; a table's value has at least its key's beside it. */
  #object(
    schema: Schema,
    def: z.core.$ZodObjectDef,
    { name, description }: Naming,
    place: Place,
    needs?: 'fields',
  ): ObjectType | undefined {
    const root = rootOf(schema);
    if (this.#around.includes(root) || this.#around.length >= MOST_LEVELS)
      return this.#refuse(place, 'is recursive: it holds itself, and a row has an end: use z.unknown(), which is JSON');
    this.#around.push(root);
    const fields = this.#fields(def, name, place);
    this.#around.pop();
    if (fields?.length === 0 && needs === 'fields')
      return this.#refuse(place, 'is an object without a field, which GraphQL has not: use z.unknown(), which is JSON');
    return fields && { kind: 'object', name, description, fields };
  }

  #fields(def: z.core.$ZodObjectDef, typeName: string, place: Place): readonly TypedField[] | undefined {
    let entries: [string, unknown][];
    try {
      entries = Object.entries(def.shape);
    } catch (error) {
      return this.#refuse(place, `has a getter that throws: ${oneLine(error)}`);
    }
    const fields: TypedField[] = [];
    for (const [name, schema] of entries) {
      const at = { ...place, path: place.path === 'value' ? name : `${place.path}.${name}` };
      const problem = nameProblem(name);
      if (problem === undefined) {
        const read = this.read(schema, typeName + capitalised(name), at);
        if (read !== undefined && read.nullable && name in Object.prototype)
          this.#refuse(at, 'may be absent, and has a name that every object of JavaScript has: use another name');
        else if (read !== undefined) fields.push({ name, ...read });
      } else this.#refuse({ ...at, path: quoted(at.path) }, problem);
    }
    return fields.length === entries.length ? fields : undefined;
  }

  #union(
    { options, discriminator }: z.core.$ZodDiscriminatedUnionDef,
    { name, description }: Naming,
    place: Place,
  ): UnionType | undefined {
    const members: UnionType['members'][number][] = [];
    const taken = new Set<string>();
    let isWhole = true;
    for (const option of flattened(options, discriminator)) {
      const { inner, nullable } = unwrap(option);
      const values = discriminating(inner, discriminator);
      const ownName = name + capitalised(values.find((value) => nameProblem(`_${value}`) === undefined) ?? '');
      const read = this.read(option, ownName, place);
      isWhole &&= read !== undefined;
      if (read === undefined) continue;
      const problem = nullable
        ? 'has a member that can be null: use .nullable() of the whole union'
        : read.type.kind !== 'object' || values.length === 0
          ? `has a member that ${quoted(discriminator)} does not tell apart by text`
          : values.some((value) => taken.has(value))
            ? `has two members for one value of ${quoted(discriminator)}`
            : undefined;
      if (problem !== undefined || read.type.kind !== 'object') return this.#refuse(place, problem ?? '');
      values.forEach((value) => taken.add(value));
      members.push({ values, type: read.type });
    }
    return isWhole ? { kind: 'union', name, description, discriminator, members } : undefined;
  }

  #list(items: readonly Schema[], ownName: string, place: Place): ListType | undefined {
    const at = { ...place, path: `${place.path}[]` };
    const read = items.map((item) => this.read(item, ownName, at));
    const [first, ...others] = read;
    if (items.length === 0) return this.#refuse(place, 'is a tuple without an item: use z.array()');
    if (first === undefined || others.includes(undefined)) return undefined;
    if (others.some((other) => other !== undefined && !sameType(first.type, other.type)))
      return this.#refuse(place, 'is a tuple of several types, which has no type in GraphQL: use z.object()');
    return { kind: 'list', of: first.type, nullableItems: read.some((item) => item?.nullable) };
  }

  #refuse({ table, path }: Place, problem: string): undefined {
    this.#problems.push(`table ${quoted(table)}: ${path} ${problem}`);
    return undefined;
  }
}

function scalar(name: ScalarName): ScalarType {
  return { kind: 'scalar', name };
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
}
