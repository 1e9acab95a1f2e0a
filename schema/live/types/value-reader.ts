import { jsonSerde, StreamsError, type Serde } from '@tributary/streams';
import { z } from 'zod';
import { bigintConversion } from './bigint-conversion.ts';
import { holdsJson, isTooDeep, MOST_JSON_LEVELS } from './json-levels.ts';
import { issuesText } from './value-issues.ts';

type Schema<T> = z.core.$ZodType<T>;

/**
 * Reads bytes as values of a schema: as JSON, or by the serde that is given. What it answers throws an error in one
 * line, which names the place and never the value.
 */
export function valueReader<T>(schema: Schema<T>, serde?: Serde<unknown>): (bytes: Buffer) => T {
  const check = valueCheck(schema);
  const given = serde ?? jsonSerde<unknown>();
  return (bytes) => {
    let value: unknown;
    try {
      value = given.deserialize(bytes);
    } catch (error) {
      if (isOfRegistry(error)) throw error;
      // The reason may repeat a part of the value.
      throw new TypeError(
        serde === undefined
          ? `the ${String(bytes.length)} bytes of the value are not JSON`
          : `the serde of the value cannot read its ${String(bytes.length)} bytes`,
      );
    }
    return check(value);
  };
}

/**
 * The schema registry of a serde is away, or does not let it in: the value is not at fault, and a copy that left its
 * row out would not be the table.
 */
export function isOfRegistry(error: unknown): error is StreamsError {
  return (
    error instanceof StreamsError && (error.code === 'SCHEMA_REGISTRY_AWAY' || error.code === 'SCHEMA_REGISTRY_REFUSED')
  );
}

/** Checks what was read, after it made bigints of text and whole numbers where the schema has bigints. */
export function valueCheck<T>(schema: Schema<T>): (value: unknown) => T {
  const convert = bigintConversion(schema);
  const isBounded = !holdsJson(schema);
  return (value) => {
    let result: z.core.util.SafeParseResult<T>;
    try {
      result = z.safeParse(schema, convert === undefined ? value : convert(value));
    } catch (error) {
      const isAsync = error instanceof z.core.$ZodAsyncError;
      throw new TypeError(
        isAsync ? 'a check of the schema is asynchronous: it must answer at once' : 'a check of the schema has thrown',
      );
    }
    if (!result.success) throw new TypeError(issuesText(schema, result.error.issues));
    if (!isBounded && isTooDeep(result.data))
      throw new TypeError(`the value has JSON of more than ${String(MOST_JSON_LEVELS)} levels`);
    return result.data;
  };
}
