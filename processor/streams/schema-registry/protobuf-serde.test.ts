import { expect, test } from '@jest/globals';
import { protobufSerde, schemaRegistry, type ProtobufSerdeOptions } from '../schema-registry.ts';
import { mockRegistry } from './mock-registry.ts';

const SHOP = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "confluent/meta.proto";
enum Status { NEW = 0; PAID = 1; }
message Order {
  string order_id = 1 [(confluent.field_meta).doc = "its name"];
  int64 cents = 2;
  Status status = 3;
  repeated string tags = 4;
  map<string, int32> counts = 5;
  oneof by { string person = 6; bytes machine = 7; }
  optional int32 discount = 8;
  google.protobuf.Timestamp at = 9;
  Line line = 10;
  message Line { uint64 sku = 1; double share = 2; bool gift = 3; sint32 delta = 4; fixed32 mark = 5; }
  message Note { string text = 1; }
}
message Refund { string order_id = 1; }
`;

let registries = 0;
const fresh = (): string => {
  registries += 1;
  return `mock://protobuf-${String(registries)}`;
};
const serdeOf = <T = unknown>(options: ProtobufSerdeOptions, url = fresh()) =>
  protobufSerde<T>(schemaRegistry({ url }), { topic: 't', ...options });
const ORDER = { schema: SHOP, message: 'shop.Order' };

const FULL = {
  order_id: 'é',
  cents: -7,
  status: 'PAID',
  tags: ['a', ''],
  counts: { a: 1, b: -1 },
  machine: Buffer.from([0, 255]),
  discount: 0,
  at: { seconds: 5, nanos: 1 },
  line: { sku: 2 ** 40, share: -0.5, gift: true, delta: -2, mark: 2 ** 32 - 1 },
};

test('a message comes back as it was, and its place stands behind the id', () => {
  const serde = serdeOf(ORDER);
  const bytes = serde.serialize(FULL);
  expect(bytes.subarray(0, 6).toString('hex')).toBe('000000000100');
  expect(serde.deserialize(bytes)).toEqual(FULL);
});

test('what is not set is absent where Protobuf can tell, and else its default', () => {
  const serde = serdeOf(ORDER);
  const bytes = serde.serialize({});
  // Java leaves out what has its default.
  expect(bytes.toString('hex')).toBe('000000000100');
  expect(serde.serialize({ order_id: '', cents: 0, status: 'NEW', tags: [] })).toEqual(bytes);
  expect(serde.deserialize(bytes)).toEqual({ order_id: '', cents: 0, status: 'NEW', tags: [], counts: {} });
});

test.each([
  ['shop.Order', '00', {}],
  ['Refund', '0202', { order_id: 'a' }],
  ['shop.Order.Note', '040002', { text: 'a' }],
])('the place of %s is %s', (message, place, value) => {
  const serde = serdeOf({ schema: SHOP, message });
  const bytes = serde.serialize(value);
  expect(bytes.subarray(5).toString('hex').startsWith(place)).toBe(true);
  expect(serde.deserialize(bytes)).toMatchObject(value);
});

test('numbers of 64 bits are numbers, and beyond 2^53 an error, or bigints', () => {
  const url = fresh();
  const big = serdeOf<object>({ ...ORDER, longs: 'bigint' }, url);
  const most = { cents: -(2n ** 63n), line: { sku: 2n ** 64n - 1n } };
  expect(big.deserialize(big.serialize(most))).toMatchObject(most);
  expect(() => serdeOf(ORDER, url).deserialize(big.serialize(most))).toThrow(/"cents" is beyond 2\^53/);
  expect(() => big.serialize({ cents: 2n ** 63n })).toThrow(/cents is a bigint, or beyond what fits/);
  expect(() => serdeOf(ORDER, url).serialize({ cents: 2 ** 53 })).toThrow(/cents is a number, or beyond/);
});

test('maps with keys that are no text', () => {
  const schema =
    'syntax = "proto3"; message M { ' +
    'map<int64, string> longs = 1; map<bool, int32> flags = 2; map<uint32, M> more = 3; }';
  const serde = serdeOf({ schema });
  const value = { longs: { '-5': 'a', '9007199254740993': 'b' }, flags: { true: 1, false: 2 }, more: {} };
  const nested = { longs: {}, flags: {}, more: { 7: value } };
  expect(serde.deserialize(serde.serialize(nested))).toEqual(nested);
  expect(() => serde.serialize({ longs: { a: 'b' } })).toThrow(/the key of longs/);
  expect(() => serde.serialize({ flags: { yes: 1 } })).toThrow(/the key of flags/);
});

test('proto2: what must be there, defaults and groups', () => {
  const schema =
    'syntax = "proto2"; message A { required int32 x = 1; optional int32 y = 2 [default = 5]; ' +
    'optional group G = 3 { optional int32 z = 1; } }';
  const serde = serdeOf({ schema, message: 'A' });
  expect(serde.deserialize(serde.serialize({ x: 0 }))).toEqual({ x: 0 });
  expect(serde.deserialize(serde.serialize({ x: 1, y: 5, g: { z: 2 } }))).toEqual({ x: 1, y: 5, g: { z: 2 } });
  expect(() => serde.serialize({ y: 1 })).toThrow(/x is missing/);
});

test.each<[string, unknown, RegExp]>([
  ['no object', 'a', /it is a string, or beyond what fits, and not shop\.Order/],
  ['a field too many', { id: 'a' }, /shop\.Order has no field "id"/],
  ['text for a number', { cents: '5' }, /cents is a string/],
  ['half a number', { discount: 0.5 }, /discount is a number/],
  ['a number of 33 bits', { line: { delta: 2 ** 31 } }, /line\.delta is a number/],
  ['a number below 0', { line: { mark: -1 } }, /line\.mark is a number/],
  ['an unknown name', { status: 'GONE' }, /status is a string, .*not one of NEW, PAID/],
  ['no list', { tags: 'a' }, /tags is a string, .*not a list/],
  ['a part of a list', { tags: ['a', 1] }, /tags\[1\] is a number/],
  ['no map', { counts: [] }, /counts is a list/],
  ['two of one', { person: 'a', machine: Buffer.from('b') }, /of "by" only one may be set, not person, machine/],
  ['half a letter', { order_id: '\ud800' }, /order_id is a string/],
  ['no bytes', { machine: 'b' }, /machine is a string/],
])('what does not fit is refused, without its content: %s', (_, value, why) => {
  expect(() => serdeOf(ORDER).serialize(value)).toThrow(why);
});

test.each([
  ['0000000001', /place of the message.* cut off/],
  ['00000000010208', /no message at the place 4/],
  ['0000000001000a05', /index out of range/],
  ['0000000001000a01ff', /utf-8/],
])('damaged bytes are refused: %s', (hex, why) => {
  const serde = serdeOf(ORDER);
  serde.serialize({});
  expect(() => serde.deserialize(Buffer.from(hex, 'hex'))).toThrow(why);
});

test('a serde without a schema reads by that of the writer; another message is said', () => {
  const url = fresh();
  const bytes = serdeOf(ORDER, url).serialize(FULL);
  expect(serdeOf({}, url).deserialize(bytes)).toEqual(FULL);
  expect(serdeOf({ message: 'Order' }, url).deserialize(bytes)).toEqual(FULL);
  expect(() => serdeOf({ message: 'Refund' }, url).deserialize(bytes)).toThrow(
    /is a message shop\.Order, and this serde reads Refund/,
  );
});

test('an own schema reads what it knows of a newer one', () => {
  const url = fresh();
  const newer = SHOP.replace('int64 cents = 2;', 'int64 cents = 2; string more = 20;');
  const bytes = serdeOf({ schema: newer, message: 'shop.Order' }, url).serialize({ cents: 1, more: 'm' });
  expect(serdeOf(ORDER, url).deserialize(bytes)).not.toHaveProperty('more');
});

test('files that a schema imports are its references', () => {
  const url = fresh();
  const registry = mockRegistry(url);
  const item = 'syntax = "proto3"; package shop; message Item { string sku = 1; }';
  registry.ask({
    method: 'POST',
    path: '/subjects/item/versions',
    body: JSON.stringify({ schemaType: 'PROTOBUF', schema: item }),
  });
  const schema =
    'syntax = "proto3"; package shop; import "item.proto"; message A { Item item = 1; } message B { A a = 1; }';
  const references = [{ name: 'item.proto', subject: 'item', version: 1 }];
  const serde = serdeOf({ schema, references, message: 'B' }, url);
  const bytes = serde.serialize({ a: { item: { sku: 's' } } });
  // Messages of other files in the package are not counted.
  expect(bytes.subarray(5, 7).toString('hex')).toBe('0202');
  expect(serdeOf({}, url).deserialize(bytes)).toEqual({ a: { item: { sku: 's' } } });
  expect(() => serdeOf({ schema, message: 'B' })).toThrow(/imports "item\.proto", which is not among its references/);
});

test.each<[ProtobufSerdeOptions, string]>([
  [{}, 't-value'],
  [{ subjectNameStrategy: 'record-name' }, 'shop.Order.Note'],
  [{ subjectNameStrategy: 'topic-record-name' }, 't-shop.Order.Note'],
])('%j registers under %s', (options, subject) => {
  const url = fresh();
  serdeOf({ schema: SHOP, message: 'shop.Order.Note', ...options }, url).serialize({});
  expect(JSON.parse(mockRegistry(url).ask({ method: 'GET', path: '/subjects' }).body)).toEqual([subject]);
});

test('the newest version of a subject writes', () => {
  const url = fresh();
  serdeOf(ORDER, url).serialize({});
  const latest = serdeOf({ useLatestVersion: true, message: 'shop.Refund' }, url);
  expect(latest.deserialize(latest.serialize({ order_id: 'a' }))).toEqual({ order_id: 'a' });
});

test.each<[string, unknown, RegExp]>([
  ['an unknown option', { mesage: 'A' }, /no option "mesage": did you mean "message"\?/],
  ['no Protobuf', { schema: 'message {' }, /the schema cannot be used: /],
  ['several messages', { schema: SHOP }, /several messages: give message, one of shop\.Order, /],
  ['an unknown message', { schema: SHOP, message: 'Ordr' }, /no message "Ordr": there is shop\.Order, /],
  ['an object', { schema: {} }, /schema is text, not an object/],
])('options are checked at once: %s', (_, options, why) => {
  expect(() => serdeOf(options as ProtobufSerdeOptions)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(why) }),
  );
});
