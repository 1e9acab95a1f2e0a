import { StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';
import type { Serde } from '../topology/serdes.ts';
import { avroBytes, AvroSchemas, type AvroType, type Longs } from './avro-schema.ts';
import { schemaToRead } from './read-schema.ts';
import { clientOf, type SchemaRegistry } from './schema-registry.ts';
import { frame, unframe } from './wire-format.ts';
import {
  checkSubjectOptions,
  idToWrite,
  latestToWrite,
  SUBJECT_OPTIONS,
  subjectOf,
  type SubjectOptions,
} from './written-schema.ts';

export interface AvroSerdeOptions extends SubjectOptions {
  /**
   * The schema, as an object or as its text. Values are written by it; what others have written by another version is
   * resolved to it, by Avro's rules. Without it a value is read as it was written, and only `useLatestVersion` writes.
   */
  readonly schema?: object | string | undefined;
  /** What a long is: a number, which beyond 2^53 is an error (the default), or a bigint. */
  readonly longs?: Longs | undefined;
}

interface Writer {
  readonly id: number;
  readonly type: AvroType;
}

/**
 * Avro with the id of its schema in front, as Confluent's KafkaAvroSerializer writes it. Needs the library `avsc`,
 * version 5. Records are objects, bytes and fixed are Buffers, enums are texts; a union is the value itself, and
 * `{ type: value }` where that would not tell (`["int", "long"]`); logical types are the numbers and bytes below them.
 * @throws StreamsError CONFIG_INVALID for options that cannot be used, and without avsc.
 */
export function avroSerde<T>(registry: SchemaRegistry, options: AvroSerdeOptions = {}): Serde<T> {
  const client = clientOf('avroSerde', registry);
  checkOptions('avroSerde', options, [...SUBJECT_OPTIONS, 'schema', 'longs']);
  checkSubjectOptions('avroSerde', options);
  const { longs = 'number', useLatestVersion = false, references = [] } = options;
  if (longs !== 'number' && longs !== 'bigint')
    throw new StreamsError('CONFIG_INVALID', `avroSerde: longs is "number" or "bigint", not ${textOf(longs)}`);
  const schemas = new AvroSchemas(client, longs);
  const own =
    options.schema === undefined
      ? undefined
      : { type: 'AVRO' as const, text: textOfSchema(options.schema), references };
  // What it names is asked for when it is needed: a registry that is away must not keep a topology from being built.
  let ownType = own !== undefined && references.length === 0 ? checkedType(schemas, own) : undefined;
  const typeOfOwn = (): AvroType | undefined => (ownType ??= own === undefined ? undefined : schemas.typeOf(own));
  const nameOf = (type: AvroType | undefined) => () => type?.name;
  const openWriter = (): Writer => {
    if (useLatestVersion) {
      const latest = latestToWrite(client, subjectOf('avroSerde', options, nameOf(typeOfOwn())));
      return { id: latest.id, type: schemas.typeOf(latest) };
    }
    const type = typeOfOwn();
    if (own === undefined || type === undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        'avroSerde cannot write without a schema: give schema, or useLatestVersion',
      );
    return { id: idToWrite(client, subjectOf('avroSerde', options, nameOf(type)), own, options), type };
  };
  let writer: Writer | undefined;
  const readers = new Map<number, (payload: Buffer) => unknown>();
  const openReader = (id: number): ((payload: Buffer) => unknown) => {
    const written = schemaToRead(client, id, 'AVRO', options);
    const from = schemas.typeOf(written);
    const to = typeOfOwn() ?? from;
    // As Java's serializer writes bytes: as they are, without their length.
    if (from.typeName === 'bytes' && to.typeName === 'bytes') return (payload) => Buffer.from(payload);
    if (written.text === own?.text) return (payload) => to.fromBuffer(payload);
    const resolver = to.createResolver(from);
    return (payload) => to.fromBuffer(payload, resolver);
  };
  return {
    serialize: (value) => {
      writer ??= openWriter();
      const { id, type } = writer;
      if (type.typeName === 'bytes' && value instanceof Uint8Array) return frame(id, value);
      return frame(id, avroBytes(type, value));
    },
    deserialize: (bytes) => {
      const { id, payload } = unframe(bytes);
      const read = readers.get(id) ?? openReader(id);
      readers.set(id, read);
      return read(payload) as T;
    },
    format: 'confluent-avro',
  };
}

/** A name of a type that needs no more, such as `string`, is a schema, too. */
function textOfSchema(schema: object | string): string {
  if (typeof schema !== 'string') return JSON.stringify(schema);
  return /^\s*["[{]/.test(schema) ? schema : JSON.stringify(schema);
}

function checkedType(schemas: AvroSchemas, schema: Parameters<AvroSchemas['typeOf']>[0]): AvroType {
  try {
    return schemas.typeOf(schema);
  } catch (error) {
    throw new StreamsError('CONFIG_INVALID', `avroSerde: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
}
