import {
  type ApplicationDescription,
  type ChangeTopic,
  ConflatingIterator,
  integerArgument,
  intervalArgument,
  MAX_WINDOWS,
  type OnSubscription,
  processorResult,
  requireCopy,
  ResultUpdates,
  type UpdateSource,
} from '@tributary/graphql';
import { insightsResult } from '../results/insights-result.ts';
import { dataQualityResult } from '../results/data-quality-result.ts';
import { DEFAULT_WINDOWS, stateFilter } from '../results/time-series-result.ts';
import type { Subscription, SubscriptionResolvers } from '../generated/resolver-types.ts';
import type { LoginModel, LoginTables } from '../rows/login-model.ts';
import { statesUpdates } from '../updates/states-updates.ts';
import { TimeSeriesUpdates } from '../updates/time-series-updates.ts';

type LoginTopic = ChangeTopic<keyof LoginTables>;

const UPDATES_INTERVAL_MS = 250;
const RESULTS_INTERVAL_MS = 1_000;

export function subscriptionResolvers(
  model: LoginModel,
  application: ApplicationDescription,
  onSubscription: OnSubscription,
): SubscriptionResolvers {
  function open<T>(
    field: keyof Subscription,
    topics: readonly LoginTopic[],
    intervalMs: number,
    source: UpdateSource<T>,
  ): AsyncIterable<T> {
    return new ConflatingIterator(model.hub, topics, source, intervalMs, onSubscription(field));
  }
  /**
   * An event is the update itself, not an object around it: by its identity the result that was executed for another
   * subscriber is found.
   */
  const resolve = <T>(update: T): T => update;

  return {
    states: {
      resolve,
      subscribe: (_, args) => {
        const intervalMs = intervalArgument(args.intervalMs, UPDATES_INTERVAL_MS);
        return open('states', ['states', 'completeness'], intervalMs, statesUpdates(requireCopy(model), args.after));
      },
    },
    timeSeries: {
      resolve,
      subscribe: (_, args) => {
        const intervalMs = intervalArgument(args.intervalMs, UPDATES_INTERVAL_MS);
        const windows = integerArgument('windows', args.windows, DEFAULT_WINDOWS, 1, MAX_WINDOWS);
        const resolution = args.resolution ?? 'MINUTE';
        const wanted = { resolution, windows, filter: stateFilter(args.states) };
        const topics: LoginTopic[] = [resolution === 'HOUR' ? 'hours' : 'minutes', 'completeness'];
        return open('timeSeries', topics, intervalMs, new TimeSeriesUpdates(requireCopy(model), wanted, args.after));
      },
    },
    insights: {
      resolve,
      subscribe: (_, args) => {
        const intervalMs = intervalArgument(args.intervalMs, RESULTS_INTERVAL_MS);
        requireCopy(model);
        const updates = new ResultUpdates(
          model,
          'insights',
          () => insightsResult(model),
          ({ freshness, ...found }) => found,
        );
        return open('insights', ['states'], intervalMs, updates);
      },
    },
    dataQuality: {
      resolve,
      subscribe: (_, args) => {
        const intervalMs = intervalArgument(args.intervalMs, RESULTS_INTERVAL_MS);
        requireCopy(model);
        const updates = new ResultUpdates(
          model,
          'dataQuality',
          () => dataQualityResult(model),
          ({ freshness, ...counts }) => counts,
        );
        return open('dataQuality', ['states', 'quality'], intervalMs, updates);
      },
    },
    processor: {
      resolve,
      subscribe: (_, args) => {
        const intervalMs = intervalArgument(args.intervalMs, RESULTS_INTERVAL_MS);
        requireCopy(model);
        const updates = new ResultUpdates(
          model,
          'processor',
          () => processorResult(model, application),
          (processor) => processor,
        );
        return open('processor', ['processor'], intervalMs, updates);
      },
    },
  };
}
