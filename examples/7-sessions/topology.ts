import { jsonSerde, session, StreamsBuilder, type Aggregate, type Topology } from '@tributary/streams';

export interface SessionsOptions {
  /** Page views, keyed by visitor. */
  readonly input: string;
  /** Visits, keyed by visitor: one record each, when it is over. */
  readonly output: string;
  /** A visit ends when nothing has come for so long. */
  readonly gapMs: number;
}

export interface PageView {
  readonly page: string;
}

/** What is known of a visit beside its times. */
interface Pages {
  count: number;
  first: string | null;
  last: string | null;
}

export interface Visit {
  readonly startMs: number;
  readonly lengthMs: number;
  readonly pages: number;
  readonly entry: string | null;
  readonly exit: string | null;
}

/** Two visits become one when a view comes between them: `merge` gets them in the order of their times. */
const pages: Aggregate<PageView, Pages> = {
  empty: () => ({ count: 0, first: null, last: null }),
  add: ({ count, first }, { page }) => ({ count: count + 1, first: first ?? page, last: page }),
  merge: (older, newer) => ({
    count: older.count + newer.count,
    first: older.first ?? newer.first,
    last: newer.last ?? older.last,
  }),
  combine: false,
  serde: jsonSerde<Pages>(),
};

/** How late a view may be, and still belong to its visit. */
const GRACE_MS = 10_000;

export function buildTopology({ input, output, gapMs }: SessionsOptions): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream(input, { value: jsonSerde<PageView>() })
    .groupByKey()
    .windowedBy(session({ gapMs, graceMs: GRACE_MS }), { emit: 'on-close' })
    .aggregate(pages, { store: 'visits' })
    .toStream()
    .map((visit, { key, startMs, endMs }) => ({
      key,
      value: {
        startMs,
        lengthMs: endMs - startMs,
        pages: visit?.count ?? 0,
        entry: visit?.first ?? null,
        exit: visit?.last ?? null,
      },
    }))
    .to(output, { value: jsonSerde<Visit>() });
  return builder.build();
}
