import { z } from 'zod';

import { SOCKET_LIMITS } from '../limits/socket-limits.ts';
import type { AppliedPositions, PositionVector } from '../tables/applied-positions.ts';

/** Where a subscription was, in offsets: from them any API instance knows what changed since. */
export interface CursorContent {
  readonly applicationId: string;
  /** The subscription and its arguments: a cursor of another subject cannot be resumed. */
  readonly subject: string;
  /** Changelog partition to the offset after the last record that the update was made of. */
  readonly positions: PositionVector;
  /** Nothing in the update was written to the changelog after this, epoch milliseconds. */
  readonly newestWrittenAtMs: number;
  /** Start of the newest window in the update; null where there are no windows, or none that holds something. */
  readonly newestStartMs: number | null;
}

/** No operation is longer than what a WebSocket takes at once. */
const MAX_CURSOR_LENGTH = SOCKET_LIMITS.frameBytes;
const FORMAT = 1;

const count = z.number().int().nonnegative();
const cursorContent = z.object({
  f: z.literal(FORMAT),
  a: z.string(),
  s: z.string(),
  p: z.record(z.string().regex(/^\d{1,10}$/), count),
  w: count,
  n: count.nullable(),
});

export function encodeCursor({
  applicationId,
  subject,
  positions,
  newestWrittenAtMs,
  newestStartMs,
}: CursorContent): string {
  const content: z.input<typeof cursorContent> = {
    f: FORMAT,
    a: applicationId,
    s: subject,
    p: positions,
    w: newestWrittenAtMs,
    n: newestStartMs,
  };
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** The content of a cursor; null for anything that is no cursor of this application and subject. */
export function decodeCursor(text: string, applicationId: string, subject: string): CursorContent | null {
  if (text.length > MAX_CURSOR_LENGTH) return null;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  const parsed = cursorContent.safeParse(value);
  if (!parsed.success || parsed.data.a !== applicationId || parsed.data.s !== subject) return null;
  return {
    applicationId,
    subject,
    positions: parsed.data.p,
    newestWrittenAtMs: parsed.data.w,
    newestStartMs: parsed.data.n,
  };
}

/**
 * The partitions, of `partitions`, in which the cursor's update held records that this instance has not read. `read`:
 * the next offset to read.
 */
export function aheadOf(
  cursor: CursorContent,
  partitions: readonly number[],
  applied: AppliedPositions,
  read: (partition: number) => number | null,
): number[] {
  return partitions.filter(
    (partition) => (cursor.positions[partition] ?? 0) > Math.max(applied.of(partition), read(partition) ?? 0),
  );
}
