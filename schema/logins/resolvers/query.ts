import { insightsResult } from '../results/insights-result.ts';
import { type ApplicationDescription, processorResult, requireCopy } from '@tributary/graphql';
import { dataQualityResult } from '../results/data-quality-result.ts';
import { nodeResult, stateResult, statesResult } from '../results/states-result.ts';
import { timeSeriesResult } from '../results/time-series-result.ts';
import type { QueryResolvers } from '../generated/resolver-types.ts';
import type { LoginModel } from '../rows/login-model.ts';

export function queryResolvers(model: LoginModel, application: ApplicationDescription): QueryResolvers {
  return {
    node: (_, { id }) => nodeResult(requireCopy(model), id),
    state: (_, { code }) => stateResult(requireCopy(model), code),
    states: (_, args) => statesResult(requireCopy(model), args),
    timeSeries: (_, args) => timeSeriesResult(requireCopy(model), args),
    insights: () => insightsResult(requireCopy(model)),
    dataQuality: () => dataQualityResult(requireCopy(model)),
    processor: () => processorResult(requireCopy(model), application),
  };
}
