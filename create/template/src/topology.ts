import { jsonSerde, StreamsBuilder, tumbling, zodSerde, type Topology } from '@tributary/streams';
import { z } from 'zod';
import { KEPT_MS, MINUTE_MS, VIEWS_TOPIC } from './names.ts';

/** A value of the topic. */
export const View = z.object({ page: z.string().min(1), user: z.string() });
export type View = z.infer<typeof View>;

/** A row of `pages`. */
export const PageViews = z.object({ views: z.int().min(0), lastUser: z.string() });
export type PageViews = z.infer<typeof PageViews>;

/** A row of `page-minutes`. */
export const Views = z.object({ views: z.int().min(0) });
export type Views = z.infer<typeof Views>;

export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  // What is no view goes to the dead-letter topic, with where it was and why.
  const views = builder.stream(VIEWS_TOPIC, { value: zodSerde(View), deadLetterTopic: `${VIEWS_TOPIC}-dlq` });
  const byPage = views.groupBy(({ page }) => page, { name: 'by-page', value: jsonSerde<View>() });
  byPage.aggregate<PageViews>(
    {
      empty: () => ({ views: 0, lastUser: '' }),
      add: ({ views }, { user }) => ({ views: views + 1, lastUser: user }),
      serde: jsonSerde<PageViews>(),
    },
    { store: 'pages' },
  );
  byPage.windowedBy(tumbling({ sizeMs: MINUTE_MS, retentionMs: KEPT_MS })).aggregate<Views>(
    {
      empty: () => ({ views: 0 }),
      add: ({ views }) => ({ views: views + 1 }),
      // With it views are added up before the shuffle.
      merge: (one, other) => ({ views: one.views + other.views }),
      serde: jsonSerde<Views>(),
    },
    { store: 'page-minutes' },
  );
  return builder.build();
}
