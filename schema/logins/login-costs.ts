import type { GraphQLSchema } from 'graphql';

import { STATE_CODES } from '../../processor/logins/states.ts';
import { DEFAULT_WINDOWS, seriesRange, stateFilter, type TimeSeriesArguments } from './results/time-series-result.ts';
import type { LiveModel } from '../live/tables/live-model.ts';
import { MAX_WINDOWS } from './rows/window-rows.ts';
import { type Arguments, type CostTable, introspectionLists } from '../live/limits/operation-cost.ts';

const STATES = STATE_CODES.length;
/** Looking into one row of one window costs this much of writing a value. */
const LOOK = 1 / 12;

/** What this API's fields cost, by their arguments: lists as long as they can be for them. */
export function loginCosts(schema: GraphQLSchema, model: LiveModel): CostTable {
  const windowsAsked = (given: Arguments): number => {
    const { windows } = seriesRange(model, given as TimeSeriesArguments);
    // More, or none, is refused before any is made.
    return windows >= 1 && windows <= MAX_WINDOWS ? windows : 0;
  };
  const windowsSent = ({ windows }: Arguments): number => between(windows, DEFAULT_WINDOWS, MAX_WINDOWS);
  const looked = ({ states }: Arguments): number =>
    (stateFilter(states as TimeSeriesArguments['states'])?.length ?? 1) * LOOK;
  return {
    lists: {
      ...introspectionLists(schema),
      'StateList.nodes': ({ first }) => between(first, STATES, STATES),
      'TimeSeries.points': windowsAsked,
      'TimeSeriesUpdate.points': windowsSent,
      'StatesUpdate.states': STATES,
      'Insights.moreIos': STATES,
      'Insights.moreAndroid': STATES,
      'Insights.byGdpClass': 3,
      'Insights.sentences': 4,
      'DataQuality.deadLetters': () => Math.max(4, model.quality.reasons),
      'DataQuality.missing': 7,
      'DataQuality.invalid': 7,
      'Processor.instances': () => reported(model).instances,
      'Instance.tasks': () => reported(model).tasksOfOne,
      'Task.inputs': () => reported(model).inputsOfOne,
    },
    work: {
      'Query.states': () => STATES,
      'Query.insights': () => 2 * STATES,
      'Query.timeSeries': (given) => windowsAsked(given) * looked(given),
      // A cursor is compared with every row.
      'Subscription.timeSeries': (given) =>
        windowsSent(given) * looked(given) + (given['after'] == null ? 0 : MAX_WINDOWS),
    },
  };
}

/** So many tasks may be listed once, however many there are. */
const MAX_TASKS = 1_000;

/** Lengths of the lists that instances report, on average, and no less than a small application grows to. */
function reported(model: LiveModel): {
  readonly instances: number;
  readonly tasksOfOne: number;
  readonly inputsOfOne: number;
} {
  const listed = model.listInstances();
  const tasks = listed.flatMap(({ status }) => status.tasks);
  const inputs = tasks.reduce((sum, task) => sum + task.inputs.length, 0);
  const instances = Math.max(10, listed.length);
  return {
    instances,
    tasksOfOne: Math.max(10, Math.min(tasks.length, MAX_TASKS) / instances),
    inputsOfOne: Math.max(2, inputs / Math.max(1, tasks.length)),
  };
}

function between(given: unknown, fallback: number, max: number): number {
  return typeof given === 'number' && given >= 1 && given <= max ? given : given == null ? fallback : 0;
}
