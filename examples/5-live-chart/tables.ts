import { table } from '@tributary/graphql';
import { z } from 'zod';

/** The values of the store, as the topology of `2-windowed-chart` adds them up. */
export const BarCounts = z.object({
  logins: z.int().min(0).describe('How many there were.'),
  androids: z.int().min(0).describe('How many of them came from Android.'),
});

/** What the API serves: the windows of the store, each a row. */
export function chartTables(windowMs: number) {
  return {
    bars: table({
      store: 'logins-by-version',
      type: 'Bar',
      description: 'The logins of a version in a window of event time.',
      key: { version: z.string() },
      value: BarCounts,
      window: { sizeMs: windowMs, retentionMs: 60 * windowMs },
      orderBy: ['logins'],
    }),
  };
}
