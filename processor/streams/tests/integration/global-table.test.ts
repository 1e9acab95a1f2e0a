import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { createGlobalTable, type GlobalTable, type GlobalTableState, type TableChange } from '@tributary/streams';
import { quietLogger } from '../../../../tests/support/quiet-logger.ts';
import { RawKafka } from '../support/raw-kafka.ts';
import { until } from '../../../../tests/support/until.ts';
import { startProxiedBroker, ApiKey, type ProxiedBroker } from '../../../../tests/support/wire-proxy.ts';

let cluster: ProxiedBroker;
let raw: RawKafka;
let admin: Admin;
let opened: GlobalTable[] = [];

beforeAll(async () => {
  cluster = await startProxiedBroker();
  raw = await RawKafka.open(cluster.broker.connection);
  admin = new Kafka({ brokers: cluster.broker.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
});
afterEach(async () => {
  await Promise.all(opened.map((table) => table.close()));
  opened = [];
});
afterAll(async () => {
  await admin.disconnect();
  await raw.close();
  await cluster.stop();
});
interface Copy {
  readonly table: GlobalTable;
  readonly rows: Map<string, string>;
  readonly resets: string[];
  readonly states: GlobalTableState[];
}

function follow(...topics: string[]): Copy {
  const rows = new Map<string, string>();
  const resets: string[] = [];
  const states: GlobalTableState[] = [];
  const table = createGlobalTable(
    { ...cluster.connection, clientId: 'copy' },
    {
      topics,
      onChanges: (changes: readonly TableChange[]) => {
        for (const { key, value } of changes) {
          if (value === null) rows.delete(key.toString());
          else rows.set(key.toString(), value.toString());
        }
      },
      onFatal: (error) => {
        throw error;
      },
      onReset: (topic, partition) => {
        resets.push(`${topic}-${String(partition)}`);
        rows.clear();
      },
      onState: (state) => states.push(state),
    },
    quietLogger,
  );
  opened.push(table);
  table.start();
  return { table, rows, resets, states };
}

const row = (key: string, value: string | null): { key: Buffer; value: string | null } => ({
  key: Buffer.from(key),
  value,
});
const compacted = (topic: string): { topic: string; configs: Record<string, string> } => ({
  topic,
  configs: { 'cleanup.policy': 'compact' },
});

test('a topic whose oldest records were deleted is copied from where it begins', async () => {
  await cluster.broker.createTopics({ topic: 'cut', configs: { 'cleanup.policy': 'delete' } });
  await raw.produce('cut', [row('a', '1'), row('b', '1'), row('a', '2')]);
  await admin.deleteTopicRecords({ topic: 'cut', partitions: [{ partition: 0, offset: '2' }] });

  const { table, rows, resets } = follow('cut');
  await until(() => table.state().complete, 'the copy is complete');
  expect([...rows]).toEqual([['a', '2']]);
  expect(resets).toEqual([]);
});

test('a topic that is made anew is forgotten, and copied again', async () => {
  await cluster.broker.createTopics(compacted('anew'));
  await raw.produce('anew', [row('a', '1'), row('b', '1'), row('c', '1')]);
  const { table, rows, resets } = follow('anew');
  await until(() => table.state().complete && rows.size === 3, 'the first copy is complete');

  await admin.deleteTopics({ topics: ['anew'] });
  await until(() => !table.state().complete, 'the copy knows that it cannot be complete');
  await cluster.broker.createTopics(compacted('anew'));
  await raw.cluster.refresh();
  await raw.patiently(() => raw.produce('anew', [row('a', '2')]));
  await until(() => table.state().complete && rows.get('a') === '2', 'the second copy is complete');
  expect([...rows]).toEqual([['a', '2']]);
  expect(resets).toEqual(['anew-0']);
});

test('bytes that were damaged on their way are asked for again', async () => {
  await cluster.broker.createTopics(compacted('damaged'));
  await raw.produce('damaged', [row('a', '1')]);
  const { table, rows, states } = follow('damaged');
  await until(() => table.state().complete, 'the copy is complete');

  let damaged = 0;
  // It takes no frame: it only writes over one as it passes.
  const spoil = cluster.proxy.hold({
    direction: 'response',
    apiKey: ApiKey.Fetch,
    when: ({ bytes }) => {
      const at = bytes.indexOf('spoil-me');
      // More often than the fetcher itself asks again: the table has to hear of it.
      if (at < 0 || damaged === 4) return false;
      bytes.write('SPOILED!', at);
      damaged += 1;
      return false;
    },
  });
  await raw.produce('damaged', [row('b', 'spoil-me')]);
  await until(() => damaged === 4, 'answers were damaged');
  await until(() => table.state().complete && rows.get('b') === 'spoil-me', 'the copy is complete again');
  expect(states.some(({ reason }) => reason?.includes('CRC') === true)).toBe(true);
  spoil.end();
});
