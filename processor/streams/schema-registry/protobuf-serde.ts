import type protobuf from 'protobufjs';
import { messageOf, StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';
import type { Serde } from '../topology/serdes.ts';
import type { Longs } from './avro-schema.ts';
import { protobufLibrary, ProtobufSchema } from './protobuf-schema.ts';
import { messageValue, plainValue } from './protobuf-values.ts';
import { schemaToRead } from './read-schema.ts';
import { clientOf, type SchemaRegistry } from './schema-registry.ts';
import { frame, readMessageIndexes, unframe, writeMessageIndexes } from './wire-format.ts';
import {
  checkSubjectOptions,
  idToWrite,
  latestToWrite,
  SUBJECT_OPTIONS,
  subjectOf,
  type SubjectOptions,
} from './written-schema.ts';

export interface ProtobufSerdeOptions extends SubjectOptions {
  /**
   * The text of the .proto file. Values are written by it, and read by it where it is given: fields that it does not
   * have are left out, as Protobuf does. Without it a value is read by the schema that it was written by.
   */
  readonly schema?: string | undefined;
  /** The message, by its name in the file. Not needed where the file has one message alone. */
  readonly message?: string | undefined;
  /** What a number of 64 bits is: a number, which beyond 2^53 is an error (the default), or a bigint. */
  readonly longs?: Longs | undefined;
}

interface Writer {
  readonly head: readonly [id: number, indexes: Buffer];
  readonly type: protobuf.Type;
}

/**
 * Protobuf with the id of its schema and the place of the message in front, as Confluent's KafkaProtobufSerializer
 * writes it. Needs the library `protobufjs`, version 8. Fields have their names of the file; enums are their names,
 * bytes are Buffers, a map is an object; a message, a field of a `oneof` and an `optional` one that is not set is
 * absent, every other field has its default.
 * @throws StreamsError CONFIG_INVALID for options that cannot be used, and without protobufjs.
 */
export function protobufSerde<T>(registry: SchemaRegistry, options: ProtobufSerdeOptions = {}): Serde<T> {
  const client = clientOf('protobufSerde', registry);
  checkOptions('protobufSerde', options, [...SUBJECT_OPTIONS, 'schema', 'message', 'longs']);
  checkSubjectOptions('protobufSerde', options);
  const { longs = 'number', useLatestVersion = false, references = [], schema: text, message } = options;
  if (longs !== 'number' && longs !== 'bigint')
    throw new StreamsError('CONFIG_INVALID', `protobufSerde: longs is "number" or "bigint", not ${textOf(longs)}`);
  for (const [name, value] of Object.entries({ schema: text, message }))
    if (value !== undefined && typeof value !== 'string')
      throw new StreamsError('CONFIG_INVALID', `protobufSerde: ${name} is text, not ${textOf(value)}`);
  const library = protobufLibrary();
  const own = text === undefined ? undefined : { type: 'PROTOBUF' as const, text, references };
  const openOwn = (): ReturnType<ProtobufSchema['named']> | undefined =>
    own === undefined ? undefined : named(new ProtobufSchema(library, client, own), message);
  // What it imports is asked for when it is needed: a registry that is away must not keep a topology from being built.
  let ownMessage = own !== undefined && references.length === 0 ? checked(openOwn) : undefined;
  const openWriter = (): Writer => {
    ownMessage ??= openOwn();
    if (useLatestVersion) {
      const name = message ?? ownMessage?.type.fullName.slice(1);
      const latest = latestToWrite(
        client,
        subjectOf('protobufSerde', options, () => name),
      );
      const { type, indexes } = named(new ProtobufSchema(library, client, latest), name);
      return { head: [latest.id, writeMessageIndexes(indexes)], type };
    }
    if (own === undefined || ownMessage === undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        'protobufSerde cannot write without a schema: give schema, or useLatestVersion',
      );
    const { type, indexes } = ownMessage;
    const subject = subjectOf('protobufSerde', options, () => type.fullName.slice(1));
    return { head: [idToWrite(client, subject, own, options), writeMessageIndexes(indexes)], type };
  };
  let writer: Writer | undefined;
  const schemas = new Map<number, ProtobufSchema>();
  return {
    serialize: (value) => {
      writer ??= openWriter();
      const { head, type } = writer;
      return frame(...head, type.encode(messageValue(library, type, value)).finish());
    },
    deserialize: (bytes) => {
      const { id, payload } = unframe(bytes);
      const schema =
        schemas.get(id) ?? new ProtobufSchema(library, client, schemaToRead(client, id, 'PROTOBUF', options));
      schemas.set(id, schema);
      const { indexes, message: encoded } = readMessageIndexes(payload);
      const written = schema.at(indexes);
      ownMessage ??= openOwn();
      const type = ownMessage?.type ?? written;
      const wanted = ownMessage?.type.fullName ?? message;
      if (wanted !== undefined && written.fullName !== wanted && !written.fullName.endsWith(`.${wanted}`))
        throw new TypeError(
          `the value is a message ${written.fullName.slice(1)}, and this serde reads ${wanted.replace(/^\./, '')}`,
        );
      return plainValue(library, type, type.decode(encoded), longs) as T;
    },
    format: 'confluent-protobuf',
  };
}

function named(schema: ProtobufSchema, message: string | undefined): ReturnType<ProtobufSchema['named']> {
  const [only, ...others] = schema.messages;
  if (message !== undefined || (only !== undefined && others.length === 0)) return schema.named(message ?? only ?? '');
  throw new TypeError(`the schema has several messages: give message, one of ${schema.messages.join(', ')}`);
}

function checked<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new StreamsError('CONFIG_INVALID', `protobufSerde: ${messageOf(error)}`, { cause: error });
  }
}
