import type { Panel } from './dashboard.ts';
import { of, percentile99, perSecond, perSecondBy } from './promql.ts';

/** What an API is asked: is its copy whole and fresh, do its readers get what they ask for, who is turned away. */
export const API_PANELS: readonly Panel[] = [
  {
    title: 'Copy complete',
    description: '1 when an instance has read all results there are.',
    type: 'stat',
    unit: 'short',
    queries: [{ expr: of('tributary_api_complete'), legend: '{{instance}}' }],
  },
  {
    title: 'Input not processed yet',
    description: 'As the processors report it; no line while none reports.',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: of('tributary_api_processor_lag'), legend: '{{instance}}' }],
  },
  {
    title: 'Requests a second, by status',
    description: '',
    type: 'timeseries',
    unit: 'reqps',
    queries: [
      {
        expr: perSecondBy('path, status', 'tributary_api_http_requests_total'),
        legend: '{{path}} {{status}}',
      },
    ],
  },
  {
    title: 'Time to answer, 99th percentile',
    description: '',
    type: 'timeseries',
    unit: 's',
    queries: [
      {
        expr: percentile99('path', 'tributary_api_http_request_seconds'),
        legend: '{{path}}',
      },
    ],
  },
  {
    title: 'Operations a second',
    description: '',
    type: 'timeseries',
    unit: 'ops',
    queries: [
      {
        expr: perSecondBy('type, transport, outcome', 'tributary_api_operations_total'),
        legend: '{{type}} over {{transport}}: {{outcome}}',
      },
    ],
  },
  {
    title: 'Errors a second, by code',
    description: '',
    type: 'timeseries',
    unit: 'ops',
    queries: [
      {
        expr: perSecondBy('code', 'tributary_api_errors_total'),
        legend: '{{code}}',
      },
    ],
  },
  {
    title: 'Open WebSockets and event streams',
    description: '',
    type: 'timeseries',
    unit: 'short',
    queries: [
      { expr: of('tributary_api_sockets'), legend: 'WebSockets {{instance}}' },
      { expr: of('tributary_api_event_streams'), legend: 'event streams {{instance}}' },
    ],
  },
  {
    title: 'Subscriptions, by field',
    description: '',
    type: 'timeseries',
    unit: 'short',
    queries: [{ expr: `sum by (field) (${of('tributary_api_subscriptions')})`, legend: '{{field}}' }],
  },
  {
    title: 'Updates sent, and changes conflated, a second',
    description: '',
    type: 'timeseries',
    unit: 'ops',
    queries: [
      {
        expr: perSecondBy('field', 'tributary_api_updates_total'),
        legend: '{{field}} sent',
      },
      {
        expr: perSecondBy('field', 'tributary_api_conflated_updates_total'),
        legend: '{{field}} conflated',
      },
    ],
  },
  {
    title: 'Delivery lag, 99th percentile',
    description: 'How long a change waited for its subscriber: its own pace, and how fast it reads.',
    type: 'timeseries',
    unit: 's',
    queries: [
      {
        expr: percentile99('field', 'tributary_api_delivery_lag_seconds'),
        legend: '{{field}}',
      },
    ],
  },
  {
    title: 'Refused connections and stalled readers a second',
    description: '',
    type: 'timeseries',
    unit: 'ops',
    queries: [
      {
        expr: perSecondBy('reason', 'tributary_api_refused_connections_total'),
        legend: 'refused: {{reason}}',
      },
      {
        expr: `sum(${perSecond('tributary_api_stalled_readers_total')})`,
        legend: 'stalled readers',
      },
    ],
  },
  {
    title: 'Sent and not read yet',
    description: 'Of all WebSockets together; beyond 128 MiB the one that holds most is cut off.',
    type: 'timeseries',
    unit: 'bytes',
    queries: [{ expr: of('tributary_api_unsent_bytes'), legend: '{{instance}}' }],
  },
  {
    title: 'Held for subscriptions to ranges',
    description: "Of tables with held: 'owner', all together; beyond 256 MiB further ones are refused.",
    type: 'timeseries',
    unit: 'bytes',
    queries: [{ expr: of('tributary_api_followed_bytes'), legend: '{{instance}}' }],
  },
  {
    title: 'Windows in the copy; records passed over',
    description: '',
    type: 'timeseries',
    unit: 'short',
    queries: [
      { expr: of('tributary_api_windows'), legend: '{{store}} {{instance}}' },
      { expr: of('tributary_api_unreadable_records'), legend: 'unreadable {{instance}}' },
    ],
  },
];
