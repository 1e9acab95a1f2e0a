import { insightsAnswer } from '../results/insights-result.ts';
import { type ApplicationDescription, processorResult } from '../../live/operations/processor-result.ts';
import { dataQualityAnswer } from '../results/data-quality-result.ts';
import { nodeAnswer, stateAnswer, statesAnswer } from '../results/states-result.ts';
import { timeSeriesAnswer } from '../results/time-series-result.ts';
import type { QueryResolvers } from '../generated/resolver-types.ts';
import type { LoginModel } from '../rows/login-model.ts';
import { requireCopy } from '../../live/tables/require-copy.ts';

export function queryResolvers(model: LoginModel, application: ApplicationDescription): QueryResolvers {
  return {
    node: (_, { id }) => nodeAnswer(requireCopy(model), id),
    state: (_, { code }) => stateAnswer(requireCopy(model), code),
    states: (_, args) => statesAnswer(requireCopy(model), args),
    timeSeries: (_, args) => timeSeriesAnswer(requireCopy(model), args),
    insights: () => insightsAnswer(requireCopy(model)),
    dataQuality: () => dataQualityAnswer(requireCopy(model)),
    processor: () => processorResult(requireCopy(model), application),
  };
}
