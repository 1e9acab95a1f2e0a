import { afterEach, expect, test } from '@jest/globals';
import type { GlobalTableOptions, TableChange } from '@tributary/streams';
import { avroSerde, schemaRegistry } from '@tributary/streams/schema-registry';
import { z } from 'zod';
import { SILENT_LOGGER } from '../../../tests/support/api-under-test.ts';
import { RegistryInAThread } from '../../../tests/support/registry-in-a-thread.ts';
import { createLiveModel } from './create-live-model.ts';
import { openLiveFeed } from './live-feed.ts';
import { table } from './table.ts';

const TOPIC = 'orders';
const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** Text of Avro behind the id of its schema, 1. */
function order(offset: number, key: string, text: string): TableChange {
  const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 1, text.length * 2]), Buffer.from(text)]);
  return { topic: TOPIC, partition: 0, offset, timestampMs: offset, key: Buffer.from(key), value };
}

test('a model of one’s own waits for a schema registry that is away, as tables of a live API do', async () => {
  const registry = await RegistryInAThread.start(['string']);
  opened.push(() => registry.stop());
  const serde = avroSerde(schemaRegistry({ url: registry.url, timeoutMs: 1_000 }));
  const orders = table({
    topic: TOPIC,
    key: { sku: z.string() },
    value: z.object({ name: z.string() }),
    serde: { ...serde, deserialize: (bytes) => ({ name: serde.deserialize(bytes) }) },
  });
  const model = createLiveModel({ applicationId: 'app', logger: SILENT_LOGGER, tables: { orders } });
  let given: GlobalTableOptions | undefined;
  const whole = { caughtUpOnce: true, complete: true, reason: null };
  const feed = openLiveFeed(
    model,
    (options) => {
      given = options;
      return {
        start: () => options.onState(whole),
        state: () => whole,
        positions: () => new Map(),
        caughtUpAtMs: () => 1,
        close: () => Promise.resolve(),
      };
    },
    (error) => {
      throw error;
    },
  );
  opened.push(() => feed.close());
  const rows = (): unknown[] => [...model.tables.orders.all()].map(({ value }) => value);
  expect(model.tableState).toEqual(whole);

  const applied = given?.onChanges([order(0, 'a', 'x'), order(1, 'b', 'y')]);
  expect(applied).toBeInstanceOf(Promise);
  expect(model.tableState).toEqual({
    caughtUpOnce: true,
    complete: false,
    reason: expect.stringMatching(/^SCHEMA_REGISTRY_AWAY: .*; what is read of orders-0 waits for it$/),
  });
  expect(rows()).toEqual([]);

  await registry.comeBack();
  await applied;
  expect(rows()).toEqual([{ name: 'x' }, { name: 'y' }]);
  expect(model.tableState).toEqual(whole);
});
