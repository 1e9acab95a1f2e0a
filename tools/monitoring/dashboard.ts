/** One query of a panel: PromQL, and how Grafana names its lines. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** One panel. `unit` is Grafana's word, such as `short`, `ops` (a second), `s`, `bytes`, `percentunit`. */
export interface Panel {
  readonly title: string;
  /** What it says, and what to look for; empty where the title says it. */
  readonly description: string;
  /** `stat` shows the newest value. */
  readonly type: 'timeseries' | 'stat';
  readonly unit: string;
  readonly queries: readonly Query[];
}

interface DashboardOptions {
  readonly title: string;
  readonly uid: string;
  /** A metric that every instance has: its label `instance` fills the list of instances. */
  readonly of: string;
  readonly panels: readonly Panel[];
}

/** A panel as Grafana imports it, as far as anybody reads it here. */
interface GrafanaPanel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

/** As Grafana imports it; PromQL may use $instance, a regular expression, and $__rate_interval. */
export interface Dashboard {
  readonly title: string;
  readonly panels: readonly GrafanaPanel[];
}

const SCHEMA_VERSION = 39;
const COLUMNS = 3;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 8;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** A Grafana dashboard of panels in rows of three. It holds neither a time nor an id of an installation. */
export function dashboard({ title, uid, of, panels }: DashboardOptions): Dashboard {
  return {
    title,
    uid,
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    tags: ['tributary'],
    time: { from: 'now-1h', to: 'now' },
    refresh: '10s',
    editable: true,
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' },
        {
          name: 'instance',
          type: 'query',
          label: 'Instance',
          datasource: DATASOURCE,
          query: { query: `label_values(${of}, instance)`, refId: 'instances' },
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
          refresh: 2,
        },
      ],
    },
    panels: panels.map(grafanaPanel),
  } as Dashboard;
}

function grafanaPanel({ title, description, type, unit, queries }: Panel, index: number): GrafanaPanel {
  return {
    id: index + 1,
    type,
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { h: HEIGHT, w: WIDTH, x: (index % COLUMNS) * WIDTH, y: Math.floor(index / COLUMNS) * HEIGHT },
    fieldConfig: { defaults: { unit }, overrides: [] },
    options: type === 'timeseries' ? { legend: { displayMode: 'list', placement: 'bottom' } } : {},
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCodePoint(('A'.codePointAt(0) as number) + at),
      expr,
      legendFormat: legend,
    })),
  } as GrafanaPanel;
}
