/**
 * What travels through a repartition topic, keyed by the grouping key in UTF-8 (time reports: no key).
 *
 *   partial      u8 1 | u8 route length | route | f64 window start (-1: none) | f64 newest event time | aggregate bytes
 *   time report  u8 2 | JSON { source, streamTimeMs, caughtUp }
 */
export interface Partial {
  /** Which aggregation of the grouped stream it belongs to. */
  readonly route: string;
  /** Start of the combiner's grain, epoch ms; -1 when the aggregation has no windows. */
  readonly grainStartMs: number;
  readonly newestMs: number;
  readonly aggregate: Buffer;
}

/** A source task's word on its own progress: what stream time downstream is the minimum of. */
export interface TimeReport {
  /** The reporting task's id. */
  readonly source: string;
  /** Newest event time it has read; -1 before the first record. */
  readonly streamTimeMs: number;
  /** It has read its inputs to their end: it holds nothing back. */
  readonly caughtUp: boolean;
}

const PARTIAL = 1;
const TIME_REPORT = 2;

export function encodePartial({ route, grainStartMs, newestMs, aggregate }: Partial): Buffer {
  const routeBytes = Buffer.byteLength(route);
  const bytes = Buffer.allocUnsafe(2 + routeBytes + 16 + aggregate.length);
  bytes[0] = PARTIAL;
  bytes[1] = routeBytes;
  bytes.write(route, 2, 'utf8');
  bytes.writeDoubleBE(grainStartMs, 2 + routeBytes);
  bytes.writeDoubleBE(newestMs, 10 + routeBytes);
  aggregate.copy(bytes, 18 + routeBytes);
  return bytes;
}

export function encodeTimeReport(report: TimeReport): Buffer {
  return Buffer.concat([Buffer.from([TIME_REPORT]), Buffer.from(JSON.stringify(report))]);
}

/** @throws when the bytes are neither: the topic belongs to something else. */
export function decodeRepartitionValue(bytes: Buffer): { partial: Partial } | { report: TimeReport } {
  if (bytes[0] === PARTIAL) {
    const routeBytes = bytes[1] as number;
    return {
      partial: {
        route: bytes.toString('utf8', 2, 2 + routeBytes),
        grainStartMs: bytes.readDoubleBE(2 + routeBytes),
        newestMs: bytes.readDoubleBE(10 + routeBytes),
        aggregate: bytes.subarray(18 + routeBytes),
      },
    };
  }
  if (bytes[0] === TIME_REPORT) return { report: JSON.parse(bytes.toString('utf8', 1)) as TimeReport };
  throw new Error(`a repartition record of unknown kind ${String(bytes[0])}`);
}
