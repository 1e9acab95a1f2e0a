/** The operations of operations.graphql, as text with their types. The only file that names generated values. */
export {
  DataQualityLiveDocument,
  DataQualityNowDocument,
  InsightsLiveDocument,
  InsightsNowDocument,
  ProcessorLiveDocument,
  ProcessorNowDocument,
  StatesLiveDocument,
  TimeSeriesLiveDocument,
} from '../generated/graphql.ts';
export type { TypedDocumentString } from '../generated/graphql.ts';
