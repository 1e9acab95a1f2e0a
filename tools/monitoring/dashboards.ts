import { API_PANELS } from './api-panels.ts';
import { dashboard, type Dashboard } from './dashboard.ts';
import { PROCESS_PANELS } from './process-panels.ts';
import { PROCESSOR_PANELS } from './processor-panels.ts';

/** The Grafana dashboards, by their file below the project's root. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'deploy/grafana/processors.json': dashboard({
    title: 'Tributary processors',
    uid: 'tributary-processors',
    of: 'tributary_ready',
    panels: [...PROCESSOR_PANELS, ...PROCESS_PANELS],
  }),
  'deploy/grafana/apis.json': dashboard({
    title: 'Tributary APIs',
    uid: 'tributary-api',
    of: 'tributary_api_complete',
    panels: [...API_PANELS, ...PROCESS_PANELS],
  }),
};

/** A dashboard as it stands in its file. */
export function dashboardText(one: Dashboard): string {
  return `${JSON.stringify(one, null, 2)}\n`;
}
