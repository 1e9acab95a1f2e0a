import { messageOf } from '../errors.ts';
import { jsonSerde, type Serde } from './serdes.ts';

/** What is used of a schema of zod's, version 4. */
export interface Schema<T> {
  parse(value: unknown): T;
}

/**
 * JSON whose every value is checked by a schema when it is read: what does not fit it throws, naming the parts that do
 * not. What is written is not checked.
 */
export function zodSerde<T>(schema: Schema<T>): Serde<T> {
  if (typeof (schema as Partial<Schema<T>> | null | undefined)?.parse !== 'function')
    throw new TypeError('zodSerde takes a schema of zod, with parse()');
  const json = jsonSerde<unknown>();
  return {
    serialize: (value) => json.serialize(value),
    deserialize: (bytes) => {
      const value = json.deserialize(bytes);
      try {
        return schema.parse(value);
      } catch (error) {
        throw new TypeError(`the value does not fit its schema: ${issuesOf(error)}`, { cause: error });
      }
    },
    format: 'json',
  };
}

interface Issue {
  readonly path?: readonly PropertyKey[];
  readonly message?: string;
}

/** Where it does not fit, and why: in zod's words, which do not repeat the content. */
function issuesOf(error: unknown): string {
  const { issues } = error as { readonly issues?: readonly Issue[] };
  if (!Array.isArray(issues)) return messageOf(error);
  return (issues as readonly Issue[])
    .map(({ path = [], message = '' }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
}
