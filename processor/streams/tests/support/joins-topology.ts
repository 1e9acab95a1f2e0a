import { existsSync, writeFileSync } from 'node:fs';
import { joinWindows, stringSerde, StreamsBuilder, type Topology } from '@tributary/streams';

export interface JoinsTopologyOptions {
  readonly views: string;
  readonly clicks: string;
  readonly users: string;
  readonly results: string;
  /** A result that says so fails until this file is there, and makes it. */
  readonly hasFailed: string;
}

/** The store of the users' names. */
export const USERS = 'users';

/** Views and clicks of one key, joined, or alone when nothing can join them any more; then with the user's name. */
export function buildTopology({ views, clicks, users, results, hasFailed }: JoinsTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const left = builder.stream(views, { value: stringSerde });
  const right = builder.stream(clicks, { value: stringSerde });
  const names = builder.table(users, { value: stringSerde, store: USERS });
  const windows = joinWindows({ beforeMs: 0, afterMs: 10_000, graceMs: 0 });
  left
    .outerJoin(right, (view, click) => `${String(view)}+${String(click)}`, { windows, name: 'views-clicks' })
    .peek((value) => {
      if (!value.includes('fails') || existsSync(hasFailed)) return;
      writeFileSync(hasFailed, '');
      throw new Error('the first attempt fails');
    })
    .leftJoin(names, (result, name) => `${result} of ${String(name)}`, { value: stringSerde })
    .to(results, { value: stringSerde });
  return builder.build();
}
