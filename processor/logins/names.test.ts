import { expect, test } from '@jest/globals';
import { changelogTopic, HOUR_WINDOWS, MINUTE_WINDOWS, repartitionTopic, statusTopic, STORES } from './names.ts';

test('the names that are on disk and in the brokers', () => {
  expect(repartitionTopic('app')).toBe('app-by-state-repartition');
  expect(STORES.map((store) => changelogTopic('app', store))).toEqual([
    'app-counts-by-state-changelog',
    'app-counts-by-state-minute-changelog',
    'app-counts-by-state-hour-changelog',
    'app-data-quality-changelog',
  ]);
  expect(statusTopic('app')).toBe('app-status');
});

test('minutes for a day, hours for thirty', () => {
  expect(MINUTE_WINDOWS).toEqual({ store: 'counts-by-state-minute', sizeMs: 60_000, retentionMs: 86_400_000 });
  expect(HOUR_WINDOWS).toEqual({ store: 'counts-by-state-hour', sizeMs: 3_600_000, retentionMs: 2_592_000_000 });
});
