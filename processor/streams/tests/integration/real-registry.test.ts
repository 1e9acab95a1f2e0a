/**
 * The serdes with a registry that runs, where SCHEMA_REGISTRY_URL names one: tests/vectors/schema-registry/README.md
 * says how to start Apicurio's. Without it the recorded answers of that one are what the client is held to.
 */
import { describe, expect, test } from '@jest/globals';
import { avroSerde, schemaRegistry, type SchemaRegistry } from '../../schema-registry.ts';
import { ORDERS } from '../vectors/schema-registry/order-values.ts';
import { serdeFor } from '../vectors/schema-registry/ours.ts';

const url = process.env['SCHEMA_REGISTRY_URL'] ?? '';
const connect = (): SchemaRegistry => schemaRegistry({ url, timeoutMs: 5_000 });
/** A subject of its own for each run: what a registry has had, it keeps. */
const subjectOf = (name: string): string => `real-${name}-${String(Date.now())}`;
const schemaOf = (...more: readonly object[]): object => ({
  type: 'record',
  name: 'R',
  fields: [{ name: 'x', type: 'int' }, ...more],
});

(url === '' ? describe.skip : describe)('a registry that runs', () => {
  test.each(Object.entries(ORDERS))(
    '%s is registered, written, and read by who has not seen its schema',
    (name, value) => {
      const bytes = serdeFor(connect(), name).serialize(value);
      expect(bytes[0]).toBe(0);
      expect(serdeFor(connect(), name).deserialize(bytes)).toEqual(value);
    },
  );

  test('a schema with a default more is another version, and reads what was written by the one before', () => {
    const topic = subjectOf('versions');
    const before = avroSerde<{ x: number }>(connect(), { topic, schema: schemaOf() });
    const after = avroSerde<{ x: number; y: number }>(connect(), {
      topic,
      schema: schemaOf({ name: 'y', type: 'int', default: 7 }),
    });
    const [old, young] = [before.serialize({ x: 1 }), after.serialize({ x: 2, y: 3 })];
    expect(old.readInt32BE(1)).not.toBe(young.readInt32BE(1));
    expect(after.deserialize(old)).toEqual({ x: 1, y: 7 });
    expect(before.deserialize(young)).toEqual({ x: 2 });
  });

  test('a schema that does not fit the one before is refused, with what the registry says', async () => {
    const topic = subjectOf('refused');
    avroSerde(connect(), { topic, schema: schemaOf() }).serialize({ x: 1 });
    const set = await fetch(`${url}/config/${topic}-value`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ compatibility: 'BACKWARD' }),
    });
    expect(set.status).toBe(200);
    const other = avroSerde(connect(), { topic, schema: schemaOf({ name: 'y', type: 'int' }) });
    expect(() => other.serialize({ x: 1, y: 2 })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_REGISTRY_REFUSED', message: expect.stringContaining('409') }),
    );
  });

  test('an id that it does not know is an error of the record, not of the registry', () => {
    const bytes = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 2]);
    let thrown: unknown;
    try {
      avroSerde(connect()).deserialize(bytes);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain('2147483647');
    expect(thrown).not.toHaveProperty('code', 'SCHEMA_REGISTRY_AWAY');
    expect(thrown).not.toHaveProperty('code', 'SCHEMA_REGISTRY_REFUSED');
  });
});
