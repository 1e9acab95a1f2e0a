import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { SubscriptionObserver } from '../updates/conflating-iterator.ts';
import type { AnyLiveModel } from '../tables/live-model.ts';

/** What is looked at when `/metrics` is asked for. */
interface ApiGauges {
  /** The number of open ones. */
  readonly eventStreams: () => number;
  /** What was sent to WebSockets and is not read. */
  readonly unsentBytes: () => number;
  /** What subscriptions to ranges of owner tables hold. */
  readonly followedBytes: () => number;
}

const NO_GAUGES: ApiGauges = { eventStreams: () => 0, unsentBytes: () => 0, followedBytes: () => 0 };

/** What `/metrics` shows. Labels come from fixed sets only, never from what a client sends. */
export class ApiMetrics {
  readonly registry = new Registry();
  readonly httpRequests: Counter<'path' | 'method' | 'status'>;
  readonly httpSeconds: Histogram<'path'>;
  readonly operations: Counter<'type' | 'transport' | 'outcome'>;
  readonly errors: Counter<'code'>;
  readonly sockets: Gauge;
  readonly subscriptions: Gauge<'field'>;
  readonly updates: Counter<'field'>;
  readonly conflated: Counter<'field'>;
  readonly deliverySeconds: Histogram<'field'>;
  readonly refusedConnections: Counter<'reason'>;
  readonly stalledReaders: Counter;

  constructor(model: AnyLiveModel, { eventStreams, unsentBytes, followedBytes }: ApiGauges = NO_GAUGES) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.httpRequests = new Counter({
      name: 'tributary_api_http_requests_total',
      help: 'HTTP requests answered.',
      labelNames: ['path', 'method', 'status'],
      registers,
    });
    this.httpSeconds = new Histogram({
      name: 'tributary_api_http_request_seconds',
      help: 'Time to answer an HTTP request; subscriptions are left out.',
      labelNames: ['path'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
      registers,
    });
    this.operations = new Counter({
      name: 'tributary_api_operations_total',
      help: 'GraphQL operations begun.',
      labelNames: ['type', 'transport', 'outcome'],
      registers,
    });
    this.errors = new Counter({
      name: 'tributary_api_errors_total',
      help: 'GraphQL errors sent, by code.',
      labelNames: ['code'],
      registers,
    });
    this.sockets = new Gauge({ name: 'tributary_api_sockets', help: 'Open WebSockets.', registers });
    this.subscriptions = new Gauge({
      name: 'tributary_api_subscriptions',
      help: 'Open subscriptions, by field.',
      labelNames: ['field'],
      registers,
    });
    this.updates = new Counter({
      name: 'tributary_api_updates_total',
      help: 'Updates handed to subscribers, by field.',
      labelNames: ['field'],
      registers,
    });
    this.conflated = new Counter({
      name: 'tributary_api_conflated_updates_total',
      help:
        'Changes that became part of a later update, by field: the subscriber asked for a slower pace, or reads ' +
        'more slowly.',
      labelNames: ['field'],
      registers,
    });
    this.deliverySeconds = new Histogram({
      name: 'tributary_api_delivery_lag_seconds',
      help: 'How long a change waited here before a subscriber took it: its own pace, and how fast it reads.',
      labelNames: ['field'],
      buckets: [0.005, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers,
    });
    this.refusedConnections = new Counter({
      name: 'tributary_api_refused_connections_total',
      help: 'Connections and WebSocket handshakes refused.',
      labelNames: ['reason'],
      registers,
    });
    this.stalledReaders = new Counter({
      name: 'tributary_api_stalled_readers_total',
      help: 'Connections ended because nobody read from them: what was sent stayed unread, or a ping had no answer.',
      registers,
    });

    new Gauge({
      name: 'tributary_api_event_streams',
      help: 'Open event streams.',
      registers,
      collect() {
        this.set(eventStreams());
      },
    });
    new Gauge({
      name: 'tributary_api_unsent_bytes',
      help: 'Sent to WebSockets and not read yet, of all together.',
      registers,
      collect() {
        this.set(unsentBytes());
      },
    });
    new Gauge({
      name: 'tributary_api_followed_bytes',
      help: 'Held for subscriptions to ranges of tables whose rows are at their owners, of all together.',
      registers,
      collect() {
        this.set(followedBytes());
      },
    });
    new Gauge({
      name: 'tributary_api_complete',
      help: '1 when the copy of the results is complete.',
      registers,
      collect() {
        this.set(model.tableState.complete ? 1 : 0);
      },
    });
    new Gauge({
      name: 'tributary_api_unreadable_records',
      help: 'Changelog records passed over.',
      registers,
      collect() {
        this.set(model.unreadable);
      },
    });
    new Gauge({
      name: 'tributary_api_processor_lag',
      help: 'Input records not processed yet; NaN while no processor reports.',
      registers,
      collect() {
        this.set(model.lag() ?? NaN);
      },
    });
    new Gauge({
      name: 'tributary_api_windows',
      help: 'Windows in the copy, by store.',
      labelNames: ['store'],
      registers,
      collect() {
        for (const [store, windows] of model.windowCounts()) this.set({ store }, windows);
      },
    });
  }

  /** For the resolvers: counts a subscription while it is open, and its updates. */
  readonly subscriptionOpened = (field: string): SubscriptionObserver => {
    this.subscriptions.inc({ field });
    // Looked up once, since each update of each subscription is counted.
    const [updates, conflated, deliverySeconds] = [
      this.updates.labels(field),
      this.conflated.labels(field),
      this.deliverySeconds.labels(field),
    ];
    return {
      updated: (waitedMs) => {
        updates.inc();
        deliverySeconds.observe(waitedMs / 1_000);
      },
      conflated: () => conflated.inc(),
      closed: () => this.subscriptions.dec({ field }),
    };
  };
}
