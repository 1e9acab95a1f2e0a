import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { alerts, monitoredExpressions } from '../../tests/support/monitored-expressions.ts';
import { promqlNames } from '../../tests/support/promql-names.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { DASHBOARDS, dashboardText } from './dashboards.ts';

const text = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

test.each(Object.entries(DASHBOARDS))('%s is what `npm run dashboards` writes', (file, one) =>
  expect(text(file)).toBe(dashboardText(one)),
);

test('the panels of a dashboard have titles of their own, and lie beside each other', () => {
  for (const { panels } of Object.values(DASHBOARDS)) {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${String(x)},${String(y)}`)).size).toBe(panels.length);
  }
});

/* That the metrics exist is tested where they are made: monitoring.test.ts in the tests of each package. */
test('dashboards and alerts ask for metrics of Tributary and of the Node process, and of nothing else', () => {
  const metrics = new Set(monitoredExpressions().flatMap(({ expr }) => [...promqlNames(expr).metrics]));
  expect([...metrics].filter((metric) => !/^(tributary|process|nodejs)_/.test(metric))).toEqual([]);
});

test('each alert has a paragraph of the runbook, and each paragraph an alert', () => {
  const headings = [...text('docs/runbook.md').matchAll(/^### (.+)$/gm)].map(([, name]) => name);
  expect(alerts().map(({ alert }) => alert)).toEqual(headings);
  expect(new Set(headings).size).toBe(headings.length);
  for (const { alert, annotations } of alerts())
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
});
