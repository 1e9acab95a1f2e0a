import { messageOf } from '../errors.ts';
import { optionalLibrary } from './optional-library.ts';
import { referencedSchemas } from './referenced-schemas.ts';
import type { RegistryClient, SchemaText } from './registry-client.ts';

/** How a long of 64 bits is told: as a number, which beyond 2^53 is an error, or as a bigint. */
export type Longs = 'number' | 'bigint';

/** As much of a type of avsc's as is used. */
export interface AvroType {
  /** Its full name; undefined of what has none. */
  readonly name?: string | undefined;
  readonly typeName: string;
  toBuffer(value: unknown): Buffer;
  /** @throws for bytes that are too few or too many. */
  fromBuffer(bytes: Buffer, resolver?: object): unknown;
  createResolver(writer: AvroType): object;
  isValid(
    value: unknown,
    options: {
      readonly noUndeclaredFields: boolean;
      readonly errorHook: (path: readonly string[], value: unknown, type: AvroType) => void;
    },
  ): boolean;
}

interface Avsc {
  readonly Type: { forSchema(schema: unknown, options: object): AvroType };
  readonly types: { readonly LongType: { __with(methods: object): AvroType } };
}

const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/** The types of one serde's schemas. */
export class AvroSchemas {
  readonly #client: RegistryClient;
  readonly #avsc: Avsc;
  readonly #longs: Longs;

  /** @throws StreamsError CONFIG_INVALID where avsc is not installed. */
  constructor(client: RegistryClient, longs: Longs) {
    this.#client = client;
    this.#avsc = optionalLibrary('avsc', 'avroSerde', '5') as Avsc;
    this.#longs = longs;
  }

  /** @throws TypeError for what is no schema of Avro; and as the client does, for schemas that it names. */
  typeOf(schema: Pick<SchemaText, 'text' | 'references'>): AvroType {
    const bigints = this.#longs === 'bigint' ? this.#bigintType() : undefined;
    const options = {
      registry: {},
      omitRecordMethods: true,
      // A long of a logical type is one, too.
      typeHook: (part: unknown) => (part === 'long' || isLong(part) ? bigints : undefined),
    };
    try {
      for (const { text } of referencedSchemas(this.#client, schema))
        this.#avsc.Type.forSchema(JSON.parse(text), options);
      return this.#avsc.Type.forSchema(JSON.parse(schema.text), options);
    } catch (error) {
      if (!(error instanceof Error) || error.name === 'StreamsError' || error.name === 'UnknownSchemaError')
        throw error;
      throw new TypeError(`the schema cannot be used: ${messageOf(error)}`, { cause: error });
    }
  }

  #bigintType(): AvroType {
    return this.#avsc.types.LongType.__with({
      fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
      toBuffer: (value: bigint) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(value);
        return bytes;
      },
      fromJSON: BigInt,
      toJSON: String,
      isValid: (value: unknown) => typeof value === 'bigint' && value >= INT64.least && value <= INT64.most,
      compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
    });
  }
}

function isLong(part: unknown): boolean {
  return typeof part === 'object' && part !== null && (part as { readonly type?: unknown }).type === 'long';
}

/**
 * Bytes of a value, which has to fit its type to the last field.
 * @throws TypeError naming the part that does not.
 */
export function avroBytes(type: AvroType, value: unknown): Buffer {
  let wrong: string | undefined;
  const errorHook = (path: readonly string[], part: unknown, { name, typeName }: AvroType): void => {
    const expected = name ?? typeName.replace(/^abstract:|:\w+$/, '');
    const at = path.length === 0 ? 'the value' : path.join('.');
    const isObject = typeof part === 'object' && part !== null && !Array.isArray(part);
    wrong ??=
      isObject && typeName === 'record'
        ? `${at} is no ${expected}, or has a field that ${expected} has not`
        : `${at} is ${part === undefined ? 'missing' : kindOf(part)}, not ${expected}`;
  };
  if (!type.isValid(value, { noUndeclaredFields: true, errorHook }))
    throw new TypeError(`the value does not fit its schema: ${wrong ?? 'it is of another kind'}`);
  return type.toBuffer(value);
}

/** Not the content, which no message repeats. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    return 'a number that is no whole one, or beyond 2^53,';
  return Array.isArray(value) ? 'a list' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
