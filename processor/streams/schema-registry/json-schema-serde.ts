import { z } from 'zod';
import { messageOf, StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';
import { jsonSerde, type Serde } from '../topology/serdes.ts';
import { zodSerde, type Schema } from '../topology/zod-serde.ts';
import { jsonSchemaCheck } from './json-schema-check.ts';
import { schemaToRead } from './read-schema.ts';
import type { SchemaText } from './registry-client.ts';
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

interface CommonOptions extends SubjectOptions {
  /** Values are checked when they are written and read: true by default. By a JSON Schema it needs `ajv`. */
  readonly validate?: boolean | undefined;
}

export interface ZodJsonOptions<T> extends CommonOptions {
  /** A schema of zod's: what is registered is the JSON Schema that zod makes of it. */
  readonly schema: Schema<T>;
}

export interface JsonSchemaOptions extends CommonOptions {
  /** A JSON Schema, as an object or as its text. Without it values are checked by the schema they were written by. */
  readonly schema?: object | string | undefined;
}

/**
 * JSON with the id of its JSON Schema in front, as Confluent's KafkaJsonSchemaSerializer writes it. The type comes from
 * a schema of zod's; by a JSON Schema the caller vouches for it, and checking needs the library `ajv`, version 8.
 * @throws StreamsError CONFIG_INVALID for options that cannot be used, and without a library that is needed.
 */
export function jsonSchemaSerde<T>(registry: SchemaRegistry, options: ZodJsonOptions<T>): Serde<T>;
export function jsonSchemaSerde<T>(registry: SchemaRegistry, options?: JsonSchemaOptions): Serde<T>;
export function jsonSchemaSerde<T>(
  registry: SchemaRegistry,
  options: ZodJsonOptions<T> | JsonSchemaOptions = {},
): Serde<T> {
  const client = clientOf('jsonSchemaSerde', registry);
  checkOptions('jsonSchemaSerde', options, [...SUBJECT_OPTIONS, 'schema', 'validate']);
  checkSubjectOptions('jsonSchemaSerde', options);
  const { validate = true, useLatestVersion = false, references = [], schema } = options;
  if (typeof validate !== 'boolean')
    throw new StreamsError('CONFIG_INVALID', `jsonSchemaSerde: validate is true or false, not ${textOf(validate)}`);
  const fromZod = isZod<T>(schema) ? schema : undefined;
  const own: SchemaText | undefined =
    schema === undefined
      ? undefined
      : { type: 'JSON', text: fromZod === undefined ? textOfSchema(schema) : zodText(schema), references };
  const checkBy = (written: SchemaText): ((value: unknown) => void) =>
    validate ? jsonSchemaCheck(client, written) : () => undefined;
  const known = own !== undefined && fromZod === undefined && references.length === 0 ? own : undefined;
  let checkOwn = known === undefined ? undefined : atOnce(() => checkBy(known));
  const openWriter = (): Writer => {
    const title = (): string | undefined => (own === undefined ? undefined : titleOf(own.text));
    if (useLatestVersion) {
      const latest = latestToWrite(client, subjectOf('jsonSchemaSerde', options, title));
      return { id: latest.id, check: fromZod === undefined ? checkBy(latest) : zodCheck };
    }
    if (own === undefined)
      throw new StreamsError(
        'CONFIG_INVALID',
        'jsonSchemaSerde cannot write without a schema: give schema, or useLatestVersion',
      );
    const id = idToWrite(client, subjectOf('jsonSchemaSerde', options, title), own, options);
    return { id, check: fromZod === undefined ? (checkOwn ??= checkBy(own)) : zodCheck };
  };
  const json = fromZod === undefined || !validate ? jsonSerde<T>() : zodSerde(fromZod);
  const zodCheck = (_value: unknown, bytes: Buffer): void => void json.deserialize(bytes);
  let writer: Writer | undefined;
  const checks = new Map<number, (value: unknown) => void>();
  return {
    serialize: (value) => {
      writer ??= openWriter();
      const bytes = json.serialize(value);
      writer.check(value, bytes);
      return frame(writer.id, bytes);
    },
    deserialize: (bytes) => {
      const { id, payload } = unframe(bytes);
      const value = json.deserialize(payload);
      let check = checks.get(id);
      if (check === undefined) {
        const written = schemaToRead(client, id, 'JSON', options);
        check =
          fromZod !== undefined ? () => undefined : own === undefined ? checkBy(written) : (checkOwn ??= checkBy(own));
        checks.set(id, check);
      }
      check(value);
      return value;
    },
    format: 'confluent-json-schema',
  };
}

interface Writer {
  readonly id: number;
  readonly check: (value: unknown, bytes: Buffer) => void;
}

function atOnce<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof StreamsError) throw error;
    throw new StreamsError('CONFIG_INVALID', `jsonSchemaSerde: ${messageOf(error)}`, { cause: error });
  }
}

function isZod<T>(schema: unknown): schema is Schema<T> {
  return typeof (schema as Partial<Schema<T>> | null | undefined)?.parse === 'function';
}

function zodText(schema: unknown): string {
  try {
    return JSON.stringify(z.toJSONSchema(schema as z.ZodType));
  } catch (error) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `jsonSchemaSerde: zod makes no JSON Schema of this schema: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

function textOfSchema(schema: unknown): string {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return text;
  } catch {
    // Said below.
  }
  throw new StreamsError(
    'CONFIG_INVALID',
    `jsonSchemaSerde: schema is a JSON Schema (an object, or its text) or a schema of zod's, not ${textOf(schema)}`,
  );
}

function titleOf(text: string): string | undefined {
  const { title } = JSON.parse(text) as { readonly title?: unknown };
  return typeof title === 'string' && title !== '' ? title : undefined;
}
