import { UnknownSchemaError, type RegisteredSchema, type RegistryClient, type SchemaType } from './registry-client.ts';
import { subjectOf, type SubjectOptions } from './written-schema.ts';

/**
 * The schema that a value was written by.
 * @throws UnknownSchemaError, naming the subject where the options tell it; TypeError for a schema of another kind;
 * StreamsError SCHEMA_REGISTRY_AWAY, SCHEMA_REGISTRY_REFUSED.
 */
export function schemaToRead(
  client: RegistryClient,
  id: number,
  type: SchemaType,
  options: SubjectOptions,
): RegisteredSchema {
  try {
    const schema = client.schema(id);
    if (schema.type === type) return schema;
    throw new TypeError(
      `the value was written by the schema ${String(id)}, which is of the kind ${schema.type}, not ${type}`,
    );
  } catch (error) {
    const { topic, subject } = options;
    if (!(error instanceof UnknownSchemaError) || (topic ?? subject) === undefined) throw error;
    const named = subjectOf('', options, () => 'record');
    throw new UnknownSchemaError(`${error.message}; the subject would be "${named}"`, { cause: error });
  }
}
