import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { jsonSchemaSerde, schemaRegistry, type JsonSchemaOptions } from '../schema-registry.ts';
import { mockRegistry } from './mock-registry.ts';

interface Order {
  readonly id: string;
  readonly cents: number;
}

const ORDER = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Order',
  type: 'object',
  properties: { id: { type: 'string' }, cents: { type: 'integer' } },
  required: ['id', 'cents'],
};

let registries = 0;
const fresh = (): string => {
  registries += 1;
  return `mock://json-${String(registries)}`;
};
const serdeOf = <T = unknown>(options: JsonSchemaOptions, url = fresh()) =>
  jsonSchemaSerde<T>(schemaRegistry({ url }), { topic: 't', ...options });
const subjects = (url: string): unknown => JSON.parse(mockRegistry(url).ask({ method: 'GET', path: '/subjects' }).body);

test('the bytes are JSON behind the id', () => {
  const serde = serdeOf<Order>({ schema: ORDER });
  const bytes = serde.serialize({ id: 'a', cents: 1 });
  expect(bytes.toString('hex', 0, 5)).toBe('0000000001');
  expect(bytes.toString('utf8', 5)).toBe('{"id":"a","cents":1}');
  expect(serde.deserialize(bytes)).toEqual({ id: 'a', cents: 1 });
});

test('what does not fit its schema is refused, written and read', () => {
  const url = fresh();
  const serde = serdeOf({ schema: ORDER }, url);
  expect(() => serde.serialize({ id: 'a', cents: 'much' })).toThrow(/does not fit its schema: \/cents must be integer/);
  const careless = serdeOf({ schema: ORDER, validate: false }, url);
  const bytes = careless.serialize({ id: 'a' });
  expect(careless.deserialize(bytes)).toEqual({ id: 'a' });
  expect(() => serde.deserialize(bytes)).toThrow(/must have required property 'cents'/);
  expect(() => serdeOf({}, url).deserialize(bytes)).toThrow(/must have required property 'cents'/);
});

test('a schema of zod is type, schema and check', () => {
  const url = fresh();
  const schema = z.object({ id: z.string(), at: z.number().int().default(7) }).meta({ title: 'Visit' });
  const serde = jsonSchemaSerde(schemaRegistry({ url }), { topic: 't', subjectNameStrategy: 'record-name', schema });
  const bytes = serde.serialize({ id: 'a', at: 1 });
  const read: { id: string; at: number } = serde.deserialize(bytes);
  expect(read).toEqual({ id: 'a', at: 1 });
  expect(subjects(url)).toEqual(['Visit']);
  const { schema: text } = JSON.parse(mockRegistry(url).ask({ method: 'GET', path: '/schemas/ids/1' }).body) as {
    schema: string;
  };
  expect(JSON.parse(text)).toMatchObject({ title: 'Visit', properties: { id: { type: 'string' } } });
  expect(() => serde.serialize({ id: 1 } as never)).toThrow(/does not fit its schema: id: /);
  const others = serdeOf({ schema: { type: 'object' }, subject: 's', topic: undefined }, url).serialize({ id: 'b' });
  expect(serde.deserialize(others)).toEqual({ id: 'b', at: 7 });
});

test.each([
  'https://json-schema.org/draft/2020-12/schema',
  'https://json-schema.org/draft/2019-09/schema',
  'http://json-schema.org/draft-06/schema#',
])('a schema of %s', (draft) => {
  const serde = serdeOf({ schema: { $schema: draft, type: 'array', items: { type: 'string', format: 'odd' } } });
  expect(serde.deserialize(serde.serialize(['a']))).toEqual(['a']);
  expect(() => serde.serialize([1])).toThrow(/\/0 must be string/);
});

test('schemas that a $ref names are read from their subjects', () => {
  const url = fresh();
  serdeOf({ topic: undefined, subject: 'item', schema: { type: 'string' } }, url).serialize('a');
  const schema = { type: 'object', properties: { item: { $ref: 'item.json' } } };
  const references = [{ name: 'item.json', subject: 'item', version: 1 }];
  const serde = serdeOf({ schema, references }, url);
  expect(serde.deserialize(serde.serialize({ item: 'a' }))).toEqual({ item: 'a' });
  expect(() => serde.serialize({ item: 1 })).toThrow(/\/item must be string/);
  expect(serdeOf({}, url).deserialize(serde.serialize({ item: 'a' }))).toEqual({ item: 'a' });
});

test('the newest version of a subject writes', () => {
  const url = fresh();
  serdeOf({ schema: ORDER }, url).serialize({ id: 'a', cents: 1 });
  const latest = serdeOf({ useLatestVersion: true }, url);
  expect(latest.deserialize(latest.serialize({ id: 'a', cents: 1 }))).toEqual({ id: 'a', cents: 1 });
  expect(() => latest.serialize({ id: 'a' })).toThrow(/required property 'cents'/);
});

test.each<[string, unknown, RegExp]>([
  ['an unknown option', { valid: true }, /no option "valid"/],
  ['no schema', { schema: 'order' }, /schema is a JSON Schema .* not "order"/],
  ['a schema that is none', { schema: { type: 'text' } }, /the schema cannot be used: /],
  ['what JSON Schema cannot say', { schema: z.date() }, /zod makes no JSON Schema of this schema/],
  ['a flag that is none', { validate: 'no' }, /validate is true or false/],
])('options are checked at once: %s', (_, options, why) => {
  expect(() => serdeOf(options as JsonSchemaOptions)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) }),
  );
});
