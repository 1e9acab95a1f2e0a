/**
 * The names under which the login application keeps its state: what the topology writes and the API reads. They are
 * on disk and in the brokers, so a changed name is a changed application.
 */
export const COUNTS_BY_STATE = 'counts-by-state';
export const COUNTS_BY_STATE_MINUTE = 'counts-by-state-minute';
export const COUNTS_BY_STATE_HOUR = 'counts-by-state-hour';
export const DATA_QUALITY = 'data-quality';

/** Every store, hence every changelog topic. */
export const STORES = Object.freeze([
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_MINUTE,
  COUNTS_BY_STATE_HOUR,
  DATA_QUALITY,
] as const);
export type StoreName = (typeof STORES)[number];

/**
 * Tumbling windows of event time, in milliseconds; a window is kept until its end is `retentionMs` behind stream time.
 */
export interface WindowDefinition {
  readonly store: StoreName;
  readonly sizeMs: number;
  readonly retentionMs: number;
}

export const MINUTE_WINDOWS: WindowDefinition = Object.freeze({
  store: COUNTS_BY_STATE_MINUTE,
  sizeMs: 60_000,
  retentionMs: 24 * 3_600_000,
});

export const HOUR_WINDOWS: WindowDefinition = Object.freeze({
  store: COUNTS_BY_STATE_HOUR,
  sizeMs: 3_600_000,
  retentionMs: 30 * 24 * 3_600_000,
});

/** The key of logins whose locale is missing or is no state, among the state codes. */
export const UNATTRIBUTED = 'UNATTRIBUTED';

/** The only key of the store data-quality. */
export const QUALITY_KEY = 'quality';

/** The name of the repartition, without its application id and suffix. */
export const BY_STATE = 'by-state';

/** Partials on their way to the owner of their state. */
export function repartitionTopic(applicationId: string): string {
  return `${applicationId}-${BY_STATE}-repartition`;
}

/** A store's compacted topic: its recovery, and the feed of every API instance. */
export function changelogTopic(applicationId: string, store: StoreName): string {
  return `${applicationId}-${store}-changelog`;
}

/** Compacted: what each processor instance reports of itself once a second, by process id. */
export function statusTopic(applicationId: string): string {
  return `${applicationId}-status`;
}
