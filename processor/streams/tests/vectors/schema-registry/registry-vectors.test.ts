import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { avroSerde, jsonSchemaSerde, protobufSerde, type SchemaRegistry } from '../../../schema-registry.ts';
import { MockRegistry } from '../../../schema-registry/mock-registry.ts';
import { RegistryClient } from '../../../schema-registry/registry-client.ts';
import type { HttpAnswer, HttpQuestion, RegistryTransport } from '../../../schema-registry/registry-transport.ts';
import { SchemaRegistry as Registry } from '../../../schema-registry/schema-registry.ts';
import { serdeFor } from './ours.ts';
import { ORDERS } from './order-values.ts';
import type { Recorded } from './record-answers.ts';

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const schemas = JSON.parse(file('schemas.json')) as Readonly<Record<string, unknown>>;
const answers = JSON.parse(file('answers.json')) as readonly Recorded[];
const linesOf = (name: string): [name: string, hex: string][] =>
  file(name)
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string]);

/** A registry that knows the schemas of the vectors, and gives this id to what is registered. */
function registryOf(id = 0): SchemaRegistry {
  const ask = ({ method, path }: HttpQuestion): HttpAnswer =>
    method === 'POST'
      ? { status: 200, body: JSON.stringify({ id }) }
      : { status: 200, body: JSON.stringify(schemas[path.split('/').at(-1) ?? '']) };
  return new Registry(new RegistryClient({ name: 'vectors', ask }));
}

describe.each(['java.txt', 'confluent.txt'])('%s', (name) => {
  test.each(linesOf(name))('%s is read, by its own schema and by ours', (vector, hex) => {
    const registry = registryOf();
    const bytes = Buffer.from(hex, 'hex');
    const own = vector.startsWith('avro')
      ? avroSerde(registry, { longs: 'bigint' })
      : vector.startsWith('json')
        ? jsonSchemaSerde(registry)
        : protobufSerde(registry, { longs: 'bigint' });
    expect(own.deserialize(bytes)).toEqual(ORDERS[vector]);
    expect(serdeFor(registry, vector).deserialize(bytes)).toEqual(ORDERS[vector]);
  });
});

test.each(linesOf('java.txt'))('we write %s as Java does', (vector, hex) => {
  const id = Buffer.from(hex, 'hex').readInt32BE(1);
  expect(serdeFor(registryOf(id), vector).serialize(ORDERS[vector]).toString('hex')).toBe(hex);
});

/** Gives the recorded answers, each to its question, in order. */
class Replay implements RegistryTransport {
  readonly name = 'recorded';
  readonly #left = [...answers];

  ask(question: HttpQuestion): HttpAnswer {
    const at = this.#left.findIndex((one) => JSON.stringify(one.question) === JSON.stringify(question));
    const [found] = at === -1 ? [] : this.#left.splice(at, 1);
    if (found === undefined) throw new Error(`nobody asked ${question.method} ${question.path}`);
    return found.answer;
  }
}

const record = (...more: object[]) => ({
  type: 'AVRO' as const,
  text: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }, ...more] }),
  references: [],
});
const refused = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'SCHEMA_REGISTRY_REFUSED', message: expect.stringMatching(message) });

test('the client understands what a real registry answers', () => {
  const client = new RegistryClient(new Replay());
  expect(() => client.version('r-value', 'latest')).toThrow(/does not know version latest of the subject .*40401/);
  expect(() => client.find('r-value', record())).toThrow(/40401/);
  const id = client.register('r-value', record());
  expect(client.register('r-value', record())).toBe(id);
  expect(client.find('r-value', record())).toBe(id);
  expect(() => client.find('r-value', record({ name: 'z', type: 'string', default: '' }))).toThrow(/40403/);
  expect(client.version('r-value', 1)).toEqual({ id, ...record() });
  expect(client.version('r-value', 'latest').text).toContain('"y"');
  expect(() => client.version('r-value', 9)).toThrow(/40402/);
  expect(client.schema(id)).toEqual({ id, ...record() });
  expect(() => client.schema(999_999)).toThrow(/does not know the schema 999999: .*40403/);
  const { type, references, text } = client.schema(18);
  expect({ type, references }).toEqual({
    type: 'PROTOBUF',
    references: [{ name: 'item.proto', subject: 'item', version: 1 }],
  });
  expect(text).toContain('message Basket');
  expect(client.version('item', 1)).toMatchObject({ type: 'PROTOBUF', references: [] });
  expect(client.schema(19)).toMatchObject({ type: 'JSON' });
  expect(() => client.register('r-value', record({ name: 'must', type: 'int' }))).toThrow(
    refused(/refused registering a schema under the subject "r-value": .*Incompatible artifact: r-value.*\(409\)/),
  );
  expect(() => client.register('r-value', { type: 'AVRO', text: '{"type":"rekord"}', references: [] })).toThrow(
    refused(/\(42201\)/),
  );
});

/** Of an answer: what the client looks at, with ids by the order in which they came. */
function seen({ status, body }: HttpAnswer, ids: unknown[]): object {
  const {
    id,
    schema,
    schemaType,
    references,
    error_code: code,
  } = JSON.parse(body) as Readonly<Record<string, unknown>>;
  if (id !== undefined && !ids.includes(id)) ids.push(id);
  return {
    status,
    code,
    id: id === undefined ? undefined : ids.indexOf(id),
    schema,
    schemaType: schema === undefined ? undefined : (schemaType ?? 'AVRO'),
    references: Array.isArray(references) && references.length > 0 ? references : undefined,
  };
}

test('the registry in memory answers as the real one', () => {
  const mock = new MockRegistry('mock://contract');
  const [real, own]: [unknown[], unknown[]] = [[], []];
  // What is compatible, and what is a schema at all, it does not know.
  const known = answers.filter(({ answer }) => answer.status !== 409 && answer.status !== 422);
  expect(known.length).toBe(answers.length - 2);
  for (const { question, answer } of known) {
    const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(question.path) ?? [];
    const at = real.indexOf(Number(id));
    const path = at === -1 ? question.path : `/schemas/ids/${String(own[at])}`;
    const { schema: _, ...expected } = seen(answer, real) as { readonly schema?: unknown };
    const got = seen(mock.ask({ ...question, path }), own);
    // A schema that was asked for by itself comes back in one of the two.
    expect({ path: question.path, ...got }).toMatchObject({
      path: question.path,
      ...withoutUndefined(expected, question),
    });
  }
});

function withoutUndefined(expected: object, { method, path }: HttpQuestion): object {
  const keeps = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && !(method === 'POST' && !path.endsWith('/versions') && name === 'schemaType');
  return Object.fromEntries(Object.entries(expected).filter(keeps));
}
