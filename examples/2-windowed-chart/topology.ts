import { DeadLetter, jsonSerde, StreamsBuilder, tumbling, type Decoder, type Topology } from '@tributary/streams';
import { versionCounts, type VersionCounts, type VersionLogin } from './version-counts.ts';

export interface WindowedChartOptions {
  /** Login records. */
  readonly input: string;
  /** `<window start>/<version>` to a ChartRow in JSON. */
  readonly output: string;
  readonly windowMs: number;
}

/** One bar of the chart. */
export interface ChartRow extends VersionCounts {
  readonly version: string;
  readonly windowStartMs: number;
}

const decode: Decoder<VersionLogin> = ({ value, timestampMs }) => {
  try {
    const login: unknown = JSON.parse(value?.toString('utf8') ?? '');
    if (typeof login !== 'object' || login === null)
      return new DeadLetter('NOT_OBJECT', 'The value is JSON, but not an object.');
    const { app_version: version, device_type: device } = login as { app_version?: unknown; device_type?: unknown };
    return { version: String(version ?? 'unknown'), isAndroid: device === 'android', timeMs: timestampMs };
  } catch {
    return new DeadLetter('NOT_JSON', 'The value is not JSON text.');
  }
};

/** Logins per app version and window of event time; what cannot be read is put aside. */
export function buildTopology({ input, output, windowMs }: WindowedChartOptions): Topology {
  const builder = new StreamsBuilder();
  const logins = builder.stream(input, {
    decode,
    timestampMs: (login) => login.timeMs,
    deadLetterTopic: `${output}-dlq`,
  });

  const windows = logins
    .groupBy((login) => login.version, { name: 'by-version' })
    .windowedBy(tumbling({ sizeMs: windowMs, retentionMs: 60 * windowMs }))
    .aggregate(versionCounts, { store: 'logins-by-version' });

  windows
    .toStream()
    .map((counts, { key: version, startMs: windowStartMs }) => ({
      key: `${String(windowStartMs)}/${version}`,
      // The type allows for a deleted row; of a window that expires nothing is told, and it stays in the chart's topic.
      value: { version, windowStartMs, ...(counts as VersionCounts) },
    }))
    .to(output, { value: jsonSerde<ChartRow>() });
  return builder.build();
}
