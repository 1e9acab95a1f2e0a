import { hopping, jsonSerde, StreamsBuilder, type Topology } from '@tributary/streams';

const SECOND_MS = 1_000;
const DAY_MS = 24 * 3_600 * SECOND_MS;

interface PageView {
  readonly _t: 'pv';
  readonly user: string;
  readonly page: string;
  readonly timestamp: number;
}

interface UserProfile {
  readonly _t: 'up';
  readonly region: string;
  readonly timestamp: number;
}

/** PageViewTypedDemo.java: page views per region of the user, in windows of seven days that begin every second. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  // One function for each type, in place of one extractor for all.
  const views = builder.stream('streams-pageview-input', {
    value: jsonSerde<PageView>(),
    timestampMs: (view) => view.timestamp,
  });
  const users = builder.table('streams-userprofile-input', {
    value: jsonSerde<UserProfile>(),
    timestampMs: (profile) => profile.timestamp,
  });

  views
    .leftJoin(users, ({ user, page }, profile) => ({ user, page, region: profile?.region ?? 'UNKNOWN' }))
    .map((view) => ({ key: view.region, value: view }))
    .groupByKey({ name: 'by-region' })
    .windowedBy(hopping({ sizeMs: 7 * DAY_MS, advanceMs: SECOND_MS, graceMs: DAY_MS }))
    .count({ store: 'views-by-region' })
    .toStream()
    .map((count, { key: region, startMs: windowStart }) => ({
      key: { _t: 'wpvbr', windowStart, region },
      value: { _t: 'rc', count, region },
    }))
    .to('streams-pageviewstats-typed-output', { key: jsonSerde(), value: jsonSerde() });
  return builder.build();
}
