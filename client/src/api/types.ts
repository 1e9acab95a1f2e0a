/** Shapes of the API's answers as this client asks for them, by the names the views use. */
import type {
  DataQualityPartsFragment,
  DeviceCountsPartsFragment,
  FreshnessPartsFragment,
  InsightsPartsFragment,
  StatePartsFragment,
  StatesLiveSubscription,
  TimeSeriesLiveSubscription,
} from '../generated/graphql.ts';

export type { GdpClass, Resolution, StateCode } from '../generated/graphql.ts';

export type DeviceCounts = DeviceCountsPartsFragment;
export type State = StatePartsFragment;
export type Freshness = FreshnessPartsFragment;
export type StatesUpdate = StatesLiveSubscription['states'];
export type TimeSeriesUpdate = TimeSeriesLiveSubscription['timeSeries'];
export type Insights = InsightsPartsFragment;
export type DataQuality = DataQualityPartsFragment;
