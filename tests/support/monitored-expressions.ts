import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { DASHBOARDS } from '../../tools/monitoring/dashboards.ts';
import { promqlNames } from './promql-names.ts';

/** What a registry has: each metric with its labels, and of some labels every value that there can be. */
export interface ServedMetrics {
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
  readonly values: Readonly<Record<string, readonly string[]>>;
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

/** Prometheus gives these to every series. */
const TARGET_LABELS: ReadonlySet<string> = new Set(['instance', 'job']);
const HISTOGRAM_PARTS = ['_bucket', '_count', '_sum'];

const rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Tributary[A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+m$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});

/** The rules of deploy/prometheus/alerts.yml. @throws ZodError for a key or a form that Prometheus does not know. */
export function alerts(): Alert[] {
  const text = readFileSync(join(projectRoot, 'deploy', 'prometheus', 'alerts.yml'), 'utf8');
  return rules.parse(parse(text)).groups.flatMap((group) => group.rules);
}

/** Every expression of the dashboards and alerts, with the words that are shown beside it. */
export function monitoredExpressions(): { readonly expr: string; readonly shown: string }[] {
  const queries = Object.values(DASHBOARDS).flatMap(({ panels }) =>
    panels.flatMap(({ targets }) => targets.map(({ expr, legendFormat: shown }) => ({ expr, shown }))),
  );
  return [...queries, ...alerts().map(({ expr, annotations }) => ({ expr, shown: annotations.summary }))];
}

/**
 * What dashboards and alerts ask for in vain: metrics, labels and values of labels that are not served, of the metrics
 * that `isServedHere` says are of these; and those of Tributary for which nobody asks.
 */
export function unanswered({ labels, values }: ServedMetrics, isServedHere: (metric: string) => boolean): string[] {
  const problems = new Set<string>();
  const asked = new Set<string>();
  for (const { expr, shown } of monitoredExpressions()) {
    const names = promqlNames(expr);
    const metrics = [...names.metrics].filter(isServedHere);
    for (const metric of metrics) {
      asked.add(withoutPart(metric, labels));
      if (!labels.has(withoutPart(metric, labels))) problems.add(`no metric ${metric}: ${expr}`);
    }
    const has = (metric: string, label: string): boolean =>
      TARGET_LABELS.has(label) ||
      labels.get(withoutPart(metric, labels))?.has(label) === true ||
      (label === 'le' && metric.endsWith('_bucket'));
    if (metrics.length === 0) continue;
    for (const [metric = '', label = ''] of [...names.labels].map((pair) => pair.split(' ')))
      if (metric === '*' ? !metrics.some((one) => has(one, label)) : isServedHere(metric) && !has(metric, label))
        problems.add(`no label ${label} of ${metric}: ${expr}`);
    for (const [, label = ''] of shown.matchAll(/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g))
      if (!metrics.some((one) => has(one, label)) || isAddedAway(expr, label))
        problems.add(`no label ${label} to show: ${expr}`);
    for (const [, label = '', wanted = ''] of expr.matchAll(/(\w+)(?:=~|!=|!~|=)"([^"$]+)"/g))
      for (const value of wanted.split('|'))
        if (values[label]?.includes(value) !== true) problems.add(`no ${label} "${value}": ${expr}`);
  }
  const ours = [...labels.keys()].filter((metric) => metric.startsWith('tributary_'));
  for (const metric of ours) if (!asked.has(metric)) problems.add(`nobody asks for ${metric}`);
  return [...problems];
}

function withoutPart(metric: string, labels: ServedMetrics['labels']): string {
  const part = HISTOGRAM_PARTS.find((one) => metric.endsWith(one));
  const base = part === undefined ? metric : metric.slice(0, -part.length);
  return labels.has(base) ? base : metric;
}

/** `sum by (a) (…)` leaves the label `a` alone. */
function isAddedAway(expr: string, label: string): boolean {
  const kept = /^[a-z_]*\(?[\d., ]*(?:sum|count|max|min) (?:by )?\(([^)]*)\)/.exec(expr)?.[1];
  return kept !== undefined && !kept.split(/, ?/).includes(label);
}
