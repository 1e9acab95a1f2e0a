import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { unanswered } from '../../../tests/support/monitored-expressions.ts';
import { ERROR_CODES } from '../graphql/api-error.ts';
import type { AnyLiveModel } from '../tables/live-model.ts';
import { ApiMetrics } from './api-metrics.ts';

/** What refuses a connection says why by a word of its source. */
const reasons = ['../server/api-handlers.ts', '../server/connections.ts'].flatMap((file) =>
  [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(/'([a-z]+)'/g)].map(([, word = '']) => word),
);

test('dashboards and alerts ask an API for metrics, labels and values that it has, and for all of them', () => {
  const { registry } = new ApiMetrics({} as AnyLiveModel);
  const labels = new Map(
    registry
      .getMetricsAsArray()
      .map((metric) => [metric.name, new Set('labelNames' in metric ? (metric.labelNames as string[]) : [])] as const),
  );
  const isServedHere = (metric: string): boolean =>
    !metric.startsWith('tributary_') || metric.startsWith('tributary_api_');
  expect(labels.size).toBeGreaterThan(30);
  expect(unanswered({ labels, values: { code: ERROR_CODES, reason: reasons } }, isServedHere)).toEqual([]);
});
