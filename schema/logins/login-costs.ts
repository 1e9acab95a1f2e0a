import type { GraphQLSchema } from 'graphql';

import { STATE_CODES } from '../../processor/logins/states.ts';
import { DEFAULT_WINDOWS, seriesRange, stateFilter, type TimeSeriesArguments } from './results/time-series-result.ts';
import type { LoginModel } from './rows/login-model.ts';
import {
  type FieldArguments,
  type CostTable,
  introspectionLists,
  MAX_WINDOWS,
  processorLists,
} from '@tributary/graphql';

const STATES = STATE_CODES.length;
/** The cost of reading one row of one window, where writing a value costs 1. */
const ROW_READ = 1 / 12;

/** What this API's fields cost: lists are as long as their arguments allow. */
export function loginCosts(schema: GraphQLSchema, model: LoginModel): CostTable {
  const windowsAsked = (given: FieldArguments): number => {
    const { windows } = seriesRange(model, given as TimeSeriesArguments);
    // More windows, or none, are refused before any is made.
    return windows >= 1 && windows <= MAX_WINDOWS ? windows : 0;
  };
  const windowsSent = ({ windows }: FieldArguments): number => between(windows, DEFAULT_WINDOWS, MAX_WINDOWS);
  const rowsRead = ({ states }: FieldArguments): number =>
    (stateFilter(states as TimeSeriesArguments['states'])?.length ?? 1) * ROW_READ;
  return {
    lists: {
      ...introspectionLists(schema),
      ...processorLists(model),
      'StateList.nodes': ({ first }) => between(first, STATES, STATES),
      'TimeSeries.points': windowsAsked,
      'TimeSeriesUpdate.points': windowsSent,
      'StatesUpdate.states': STATES,
      'Insights.moreIos': STATES,
      'Insights.moreAndroid': STATES,
      'Insights.byGdpClass': 3,
      'Insights.sentences': 4,
      'DataQuality.deadLetters': () => Math.max(4, model.tables.quality.reasons),
      'DataQuality.missing': 7,
      'DataQuality.invalid': 7,
    },
    work: {
      'Query.states': () => STATES,
      'Query.insights': () => 2 * STATES,
      'Query.timeSeries': (given) => windowsAsked(given) * rowsRead(given),
      // A cursor is compared with every row.
      'Subscription.timeSeries': (given) =>
        windowsSent(given) * rowsRead(given) + (given['after'] == null ? 0 : MAX_WINDOWS),
    },
  };
}

function between(given: unknown, fallback: number, max: number): number {
  return typeof given === 'number' && given >= 1 && given <= max ? given : given == null ? fallback : 0;
}
