import { table } from '@tributary/graphql';
import { z } from 'zod';
import { KEPT_MS, MINUTE_MS } from './names.ts';
import { PageViews, Views } from './topology.ts';

/** What the API serves: nothing that is not named here. */
export const tables = {
  pages: table({
    store: 'pages',
    type: 'Page',
    description: 'How often a page was viewed.',
    key: { page: z.string() },
    value: PageViews,
    orderBy: ['views'],
  }),
  pageMinutes: table({
    store: 'page-minutes',
    type: 'PageMinute',
    description: 'How often a page was viewed in a minute.',
    key: { page: z.string() },
    value: Views,
    window: { sizeMs: MINUTE_MS, retentionMs: KEPT_MS },
  }),
};
