/**
 * Run by hand, with a registry: prints what our serdes write, one `name hex` a line, for Java's and Confluent's
 * deserializers to read. How: README.md.
 */
import { readFileSync } from 'node:fs';
import type { Serde } from '../../../topology/serdes.ts';
import {
  avroSerde,
  jsonSchemaSerde,
  protobufSerde,
  schemaRegistry,
  type SchemaRegistry,
} from '../../../schema-registry.ts';
import { ORDERS } from './order-values.ts';

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const MESSAGES: Readonly<Record<string, string>> = {
  'protobuf-refund': 'shop.Refund',
  'protobuf-note': 'shop.Order.Note',
};

/** The serde that writes, and reads, the vector of this name. */
export function serdeFor(registry: SchemaRegistry, name: string): Serde<unknown> {
  if (name === 'avro-string') return avroSerde(registry, { topic: 'ours-string', schema: 'string' });
  if (name.startsWith('avro'))
    return avroSerde(registry, { topic: 'ours-avro', schema: file('order.avsc'), longs: 'bigint' });
  if (name.startsWith('json'))
    return jsonSchemaSerde(registry, { topic: 'ours-json', schema: file('order.schema.json') });
  const message = MESSAGES[name] ?? 'shop.Order';
  return protobufSerde(registry, { topic: 'ours-protobuf', schema: file('order.proto'), message, longs: 'bigint' });
}

const [url] = process.argv.slice(2);
if (import.meta.main && url !== undefined) {
  const registry = schemaRegistry({ url, timeoutMs: 5_000 });
  for (const [name, value] of Object.entries(ORDERS))
    process.stdout.write(`${name} ${serdeFor(registry, name).serialize(value).toString('hex')}\n`);
}
