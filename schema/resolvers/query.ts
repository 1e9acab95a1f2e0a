import { insightsAnswer } from '../answers/insight-answers.ts';
import { type ApplicationDescription, processorAnswer } from '../answers/processor-answers.ts';
import { dataQualityAnswer } from '../answers/quality-answers.ts';
import { nodeAnswer, stateAnswer, statesAnswer } from '../answers/state-answers.ts';
import { timeSeriesAnswer } from '../answers/time-series-answers.ts';
import type { QueryResolvers } from '../generated/resolver-types.ts';
import type { LiveModel } from '../live/live-model.ts';
import { requireCopy } from './require-copy.ts';

export function queryResolvers(model: LiveModel, application: ApplicationDescription): QueryResolvers {
  return {
    node: (_, { id }) => nodeAnswer(requireCopy(model), id),
    state: (_, { code }) => stateAnswer(requireCopy(model), code),
    states: (_, args) => statesAnswer(requireCopy(model), args),
    timeSeries: (_, args) => timeSeriesAnswer(requireCopy(model), args),
    insights: () => insightsAnswer(requireCopy(model)),
    dataQuality: () => dataQualityAnswer(requireCopy(model)),
    processor: () => processorAnswer(requireCopy(model), application),
  };
}
