/**
 * `@tributary/streams/schema-registry`: serdes of Avro, Protobuf and JSON Schema in the Confluent wire format. The
 * libraries that they need are installed by those who use them: `avsc`, `protobufjs`, `ajv`.
 */
export { schemaRegistry, type SchemaRegistry, type SchemaRegistryOptions } from './schema-registry/schema-registry.ts';
export { avroSerde, type AvroSerdeOptions } from './schema-registry/avro-serde.ts';
export type { Longs } from './schema-registry/avro-schema.ts';
export { zodFromAvro } from './schema-registry/zod-from-avro.ts';
export { protobufSerde, type ProtobufSerdeOptions } from './schema-registry/protobuf-serde.ts';
export { jsonSchemaSerde, type JsonSchemaOptions, type ZodJsonOptions } from './schema-registry/json-schema-serde.ts';
export type { SubjectNameStrategy, SubjectOptions } from './schema-registry/written-schema.ts';
export type { SchemaReference } from './schema-registry/registry-client.ts';
