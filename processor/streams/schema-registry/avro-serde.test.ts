import { expect, test } from '@jest/globals';
import { avroSerde, schemaRegistry, type AvroSerdeOptions } from '../schema-registry.ts';
import { mockRegistry } from './mock-registry.ts';

interface Order {
  readonly id: string;
  readonly cents: number;
  readonly note?: string | null;
}

const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'cents', type: 'long' },
  ],
};
const ORDER_WITH_NOTE = {
  ...ORDER,
  fields: [...ORDER.fields, { name: 'note', type: ['null', 'string'], default: null }],
};

let registries = 0;
/** One that nobody has seen before. */
const fresh = (): { url: string; subjects: () => unknown } => {
  registries += 1;
  const url = `mock://avro-${String(registries)}`;
  return { url, subjects: () => JSON.parse(mockRegistry(url).ask({ method: 'GET', path: '/subjects' }).body) };
};
const serdeOf = <T = unknown>(options: AvroSerdeOptions, url = fresh().url) =>
  avroSerde<T>(schemaRegistry({ url }), { topic: 't', ...options });
const there = (schema: object | string, value: unknown): unknown => {
  const serde = serdeOf({ schema });
  return serde.deserialize(serde.serialize(value));
};

test('the bytes are those of Avro behind the id', () => {
  const serde = serdeOf<Order>({ schema: ORDER });
  const bytes = serde.serialize({ id: 'ab', cents: -3 });
  expect(bytes.toString('hex')).toBe('0000000001' + '046162' + '05');
  expect(serde.deserialize(bytes)).toEqual({ id: 'ab', cents: -3 });
});

test.each<[string, object | string, unknown]>([
  ['text alone', 'string', 'é'],
  ['bytes alone', { type: 'bytes' }, Buffer.from([0, 255])],
  ['a union', ['null', 'long'], 7],
  ['a union that needs names', ['null', 'int', 'long'], { long: 7 }],
  ['a list', { type: 'array', items: 'double' }, [0.5, -1]],
  ['a map', { type: 'map', values: 'boolean' }, { a: true }],
  ['an enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B'],
  ['fixed', { type: 'fixed', name: 'F', size: 2 }, Buffer.from('ab')],
  ['records within', { ...ORDER, fields: [{ name: 'next', type: ['null', 'shop.Order'] }] }, { next: { next: null } }],
])('%s comes back as it was', (_, schema, value) => {
  expect(there(schema, value)).toEqual(value);
});

test("bytes that are read are nobody else's", () => {
  const serde = serdeOf<Buffer>({ schema: 'bytes' });
  const bytes = serde.serialize(Buffer.from('abc'));
  expect(bytes.toString('hex')).toBe('0000000001616263');
  const read = serde.deserialize(bytes);
  bytes.fill(0);
  expect(String(read)).toBe('abc');
});

test('what others wrote by another version is resolved to the own schema', () => {
  const { url } = fresh();
  const before = serdeOf<Order>({ schema: ORDER }, url);
  const after = serdeOf<Order>({ schema: ORDER_WITH_NOTE }, url);
  expect(after.deserialize(before.serialize({ id: 'a', cents: 1 }))).toEqual({ id: 'a', cents: 1, note: null });
  expect(before.deserialize(after.serialize({ id: 'a', cents: 1, note: 'n' }))).toEqual({ id: 'a', cents: 1 });
  const withoutOwn = avroSerde<Order>(schemaRegistry({ url }));
  expect(withoutOwn.deserialize(after.serialize({ id: 'a', cents: 1, note: 'n' }))).toEqual({
    id: 'a',
    cents: 1,
    note: 'n',
  });
});

test('a schema that cannot be resolved to the own one is said', () => {
  const { url } = fresh();
  const bytes = serdeOf({ schema: ORDER }, url).serialize({ id: 'a', cents: 1 });
  const other = { ...ORDER, fields: [...ORDER.fields, { name: 'must', type: 'int' }] };
  expect(() => serdeOf({ schema: other }, url).deserialize(bytes)).toThrow(/must/);
});

test('longs are numbers, and beyond 2^53 an error, or bigints', () => {
  const { url } = fresh();
  const big = serdeOf<{ id: string; cents: bigint }>({ schema: ORDER, longs: 'bigint' }, url);
  const most = { id: 'a', cents: 2n ** 63n - 1n };
  expect(big.deserialize(big.serialize(most))).toEqual(most);
  expect(() => big.serialize({ id: 'a', cents: 2n ** 63n })).toThrow(/cents is a bigint, not long/);
  const numbers = serdeOf<Order>({ schema: ORDER }, url);
  expect(() => numbers.deserialize(big.serialize(most))).toThrow(/precision/);
  expect(() => numbers.serialize({ id: 'a', cents: 2 ** 53 })).toThrow(/cents is a number .* beyond 2\^53/);
  expect(big.deserialize(numbers.serialize({ id: 'a', cents: 5 }))).toEqual({ id: 'a', cents: 5n });
});

test.each<[string, unknown, RegExp]>([
  ['a field of another kind', { id: 1, cents: 1 }, /: id is a number, not string/],
  ['a missing field', { id: 'a' }, /: cents is missing, not long/],
  ['a field too many', { id: 'a', cents: 1, extra: 1 }, /the value is no shop\.Order, or has a field that/],
  ['no record', 'a', /the value is a string, not shop\.Order/],
])('what does not fit is refused, without its content: %s', (_, value, why) => {
  expect(() => serdeOf({ schema: ORDER }).serialize(value)).toThrow(why);
});

test.each(['0000000001', '000000000104616', '00000000010461620500'])('damaged bytes are refused: %s', (hex) => {
  const serde = serdeOf({ schema: ORDER });
  serde.serialize({ id: 'ab', cents: -3 });
  expect(() => serde.deserialize(Buffer.from(hex, 'hex'))).toThrow(/truncated|trailing|cannot hold/);
});

test.each<[AvroSerdeOptions, string]>([
  [{ topic: 'orders' }, 'orders-value'],
  [{ topic: 'orders', isKey: true }, 'orders-key'],
  [{ topic: 'orders', subjectNameStrategy: 'topic-name' }, 'orders-value'],
  [{ subjectNameStrategy: 'record-name' }, 'shop.Order'],
  [{ topic: 'orders', subjectNameStrategy: 'topic-record-name' }, 'orders-shop.Order'],
  [{ subject: 'any/thing' }, 'any/thing'],
])('%j registers under %s', (options, subject) => {
  const { url, subjects } = fresh();
  avroSerde(schemaRegistry({ url }), { schema: ORDER, ...options }).serialize({ id: 'a', cents: 1 });
  expect(subjects()).toEqual([subject]);
});

test('the newest version of a subject writes, without a schema of its own', () => {
  const { url } = fresh();
  const latest = { topic: 'orders', useLatestVersion: true };
  expect(() => serdeOf(latest, url).serialize({})).toThrow(
    /does not know version latest of the subject "orders-value": .*40401.*useLatestVersion needs one/,
  );
  serdeOf({ topic: 'orders', schema: ORDER }, url).serialize({ id: 'a', cents: 1 });
  serdeOf({ topic: 'orders', schema: ORDER_WITH_NOTE }, url).serialize({ id: 'a', cents: 1, note: null });
  const bytes = serdeOf(latest, url).serialize({ id: 'a', cents: 1, note: 'n' });
  expect(bytes.readInt32BE(1)).toBe(2);
});

test('without autoRegister a schema has to be there', () => {
  const { url, subjects } = fresh();
  const careful = { topic: 'orders', schema: ORDER, autoRegister: false };
  expect(() => serdeOf(careful, url).serialize({ id: 'a', cents: 1 })).toThrow(
    expect.objectContaining({ code: 'SCHEMA_REGISTRY_REFUSED', message: expect.stringMatching(/register it before/) }),
  );
  expect(subjects()).toEqual([]);
  const eager = serdeOf({ topic: 'orders', schema: ORDER }, url).serialize({ id: 'a', cents: 1 });
  expect(serdeOf(careful, url).serialize({ id: 'a', cents: 1 })).toEqual(eager);
});

test('types that a schema names are read from their subjects', () => {
  const { url } = fresh();
  const item = { type: 'record', name: 'shop.Item', fields: [{ name: 'sku', type: 'string' }] };
  serdeOf({ subject: 'item', topic: undefined, schema: item }, url).serialize({ sku: 's' });
  const basket = { type: 'record', name: 'shop.Basket', fields: [{ name: 'item', type: 'shop.Item' }] };
  const references = [{ name: 'shop.Item', subject: 'item', version: 1 }];
  const bytes = serdeOf({ schema: basket, references }, url).serialize({ item: { sku: 's' } });
  expect(avroSerde(schemaRegistry({ url })).deserialize(bytes)).toEqual({ item: { sku: 's' } });
});

test('an id that nobody knows is an error of the value, which names the id and the subject', () => {
  expect(() => serdeOf({ topic: 'orders' }).deserialize(Buffer.from('000000000900', 'hex'))).toThrow(
    expect.objectContaining({
      name: 'UnknownSchemaError',
      message: expect.stringMatching(/does not know the schema 9: .*40403.*"orders-value"/),
    }),
  );
});

test('a schema of another kind is an error of the value', () => {
  const { url } = fresh();
  mockRegistry(url).ask({ method: 'POST', path: '/subjects/a/versions', body: '{"schema":"{}","schemaType":"JSON"}' });
  expect(() => serdeOf({}, url).deserialize(Buffer.from('0000000001', 'hex'))).toThrow(/of the kind JSON, not AVRO/);
});

test.each<[string, unknown, RegExp]>([
  ['an unknown option', { schemas: ORDER }, /no option "schemas": did you mean "schema"\?/],
  ['no Avro', { schema: { type: 'rekord' } }, /the schema cannot be used: /],
  ['another strategy', { subjectNameStrategy: 'topic' }, /subjectNameStrategy is one of .*"topic-name"/],
  ['a subject and a topic', { subject: 'a', topic: 'b' }, /give either subject, or topic/],
  ['contradictions', { autoRegister: true, useLatestVersion: true }, /not both/],
  ['other longs', { longs: 'text' }, /longs is "number" or "bigint"/],
  ['a topic that is no name', { topic: '' }, /topic is a name, not ""/],
  ['a flag that is none', { isKey: 'yes' }, /isKey is true or false/],
])('options are checked at once: %s', (_, options, why) => {
  expect(() => avroSerde(schemaRegistry({ url: fresh().url }), options as AvroSerdeOptions)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) }),
  );
});

test('what tells no subject and no schema is said when something is written', () => {
  const registry = schemaRegistry({ url: fresh().url });
  expect(() => avroSerde(registry, { schema: ORDER }).serialize({ id: 'a', cents: 1 })).toThrow(
    /Give topic, or subject/,
  );
  expect(() => avroSerde(registry, { topic: 't' }).serialize({})).toThrow(/cannot write without a schema/);
  expect(() => avroSerde(registry, { schema: 'string', subjectNameStrategy: 'record-name' }).serialize('a')).toThrow(
    /the schema has no name/,
  );
  expect(() => avroSerde({} as never)).toThrow(/takes what schemaRegistry\(\{ url \}\) has returned, not an object/);
});
