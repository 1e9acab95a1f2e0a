import type { ChartRow } from './topology.ts';

const BAR = '█';
const WIDTH = 40;

/** The newest windows as text, newest last: a bar for each version, scaled to the longest, and the share of Android. */
export function drawChart(rows: Iterable<ChartRow>, windows: number): string {
  const byWindow = new Map<number, ChartRow[]>();
  for (const row of rows) byWindow.set(row.windowStartMs, [...(byWindow.get(row.windowStartMs) ?? []), row]);
  const shown = [...byWindow].sort(([a], [b]) => a - b).slice(-windows);
  const longest = Math.max(1, ...shown.flatMap(([, list]) => list.map((row) => row.logins)));
  const lines = shown.flatMap(([startMs, list]) => [
    new Date(startMs).toISOString(),
    ...list
      .sort((a, b) => (a.version < b.version ? -1 : 1))
      .map(({ version, logins, androids }) => {
        const bar = BAR.repeat(Math.max(1, Math.round((logins / longest) * WIDTH))).padEnd(WIDTH);
        return (
          `  ${version.padEnd(10)} ${bar} ${String(logins).padStart(6)}  ` +
          `${String(Math.round((androids / logins) * 100))} % Android`
        );
      }),
  ]);
  return lines.join('\n');
}
