import { expect, test } from '@jest/globals';
import { TopologyTestDriver } from '@tributary/streams/testing';
import type { DataQualityCounts } from './data-quality.ts';
import type { LoginCounts } from './login-counts.ts';
import { buildTopology } from './topology.ts';

const TOPOLOGY = buildTopology({ inputTopic: 'user-login', deadLetterTopic: 'user-login-dlq' });
const AT = Date.UTC(2026, 0, 1) / 1_000 - 3_600;

function login(state: string | undefined, device: string | undefined, timestamp = AT): string {
  return JSON.stringify({
    user_id: 'u',
    app_version: '2.3.0',
    device_type: device,
    ip: '1.2.3.4',
    locale: state,
    device_id: 'd',
    timestamp,
  });
}

test('the graph is two sub-topologies joined by one repartition topic', () => {
  expect(TOPOLOGY.subTopologies.map((s) => s.stores.map((store) => store.name).sort())).toEqual([
    [],
    ['counts-by-state', 'counts-by-state-hour', 'counts-by-state-minute', 'data-quality'],
  ]);
  expect(TOPOLOGY.describe('app')).toContain('Source: KSTREAM-SOURCE-0000000000 (topics: [user-login])');
  expect(TOPOLOGY.describe('app')).toContain('(topic: app-by-state-repartition)');
});

test('logins of several partitions end up in one row a state, in the totals and in the windows', async () => {
  const driver = new TopologyTestDriver(TOPOLOGY, { partitions: { 'user-login': 4 } });
  await driver.pipe(
    'user-login',
    { partition: 0, value: login('CA', 'iOS') },
    { partition: 1, value: login('ca', 'android') },
    { partition: 2, value: login('CA', 'iOS', AT + 60) },
    { partition: 3, value: login(undefined, 'iOS') },
  );
  const totals = driver.store<LoginCounts>('counts-by-state');
  expect(totals.get('CA')).toEqual({ ios: 2, android: 1, other: 0, lastLoginAtMs: (AT + 60) * 1_000 });
  expect(totals.get('UNATTRIBUTED')).toMatchObject({ ios: 1 });
  expect(await driver.entries('counts-by-state-minute')).toHaveLength(3);
  expect(await driver.entries('counts-by-state-hour')).toHaveLength(2);
});

test('what cannot be read is dead-lettered with its origin, and counted', async () => {
  const driver = new TopologyTestDriver(TOPOLOGY);
  await driver.pipe(
    'user-login',
    { key: 'k', value: 'no json', headers: { trace: Buffer.from('7') } },
    { value: null },
    { value: login('CA', undefined) },
  );
  const [letter] = driver.output('user-login-dlq');
  expect(letter?.value?.toString()).toBe('no json');
  expect(letter?.key?.toString()).toBe('k');
  expect(letter?.headers?.['__streams.errors.exception']?.toString()).toBe('NOT_JSON');
  expect(letter?.headers?.['__streams.errors.topic']?.toString()).toBe('user-login');
  expect(letter?.headers?.['trace']?.toString()).toBe('7');
  expect(driver.store<DataQualityCounts>('data-quality').get('quality')).toMatchObject({
    deadLettered: { NOT_JSON: 1, NO_VALUE: 1 },
    missing: { device_type: 1 },
  });
});

test('partitions without a login hold nobody back, and output leaves the stores alone', async () => {
  const driver = new TopologyTestDriver(TOPOLOGY, { partitions: { 'user-login': 4 } });
  await driver.pipe('user-login', { partition: 2, value: login('CA', 'iOS', AT) });
  driver.output('test-counts-by-state-changelog');
  await driver.pipe('user-login', { partition: 2, value: login('CA', 'iOS', AT - 25 * 3_600) });
  const rows = (await driver.entries('data-quality')).map(
    ([, , value]) => JSON.parse(value.toString()) as DataQualityCounts,
  );
  expect(rows.reduce((late, row) => late + row.late, 0)).toBe(1);
  expect(driver.store<LoginCounts>('counts-by-state').get('CA')).toMatchObject({ ios: 2 });
});

test('a login a day behind stream time is late for the minutes, and still counted in totals and hours', async () => {
  const driver = new TopologyTestDriver(TOPOLOGY);
  await driver.pipe('user-login', { value: login('CA', 'iOS', AT) });
  await driver.pipe('user-login', { value: login('CA', 'iOS', AT - 25 * 3_600) });
  expect(driver.store<DataQualityCounts>('data-quality').get('quality')).toMatchObject({ late: 1 });
  expect(driver.store<LoginCounts>('counts-by-state').get('CA')).toMatchObject({ ios: 2 });
  expect(await driver.entries('counts-by-state-minute')).toHaveLength(1);
  expect(await driver.entries('counts-by-state-hour')).toHaveLength(2);
});
