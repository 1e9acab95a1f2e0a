import { recordsPerSecondOf, restoringOf } from '../api/processor.ts';
import { statusOf } from './connection.ts';
import type { Processor } from '../api/processor.ts';
import type { Status } from './connection.ts';
import type { LiveState } from './live-state.ts';

/**
 * The one state that a page's header shows.
 * @param freshness of what the page is about; null before the first answer
 */
export function pageStatus(
  state: LiveState<unknown, string>,
  freshness: { readonly asOf: string | null; readonly complete: boolean } | null,
  processor: Processor | null,
): Status {
  return statusOf({
    link: state.link,
    browserOnline: state.browserOnline,
    now: state.now,
    paused: state.pausedAt !== null,
    held: state.held,
    complete: freshness?.complete ?? null,
    // The processors' reports come every second, an answer only when something changes.
    lag: processor?.lag ?? null,
    recordsPerSecond: recordsPerSecondOf(processor),
    restoring: restoringOf(processor),
    asOf: freshness?.asOf ?? null,
    processors: processor && processor.instances.filter((instance) => instance.alive).length,
  });
}
