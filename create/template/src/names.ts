/** The same for all instances of the application: it begins the names of its topics, and is its consumer group. */
export const APPLICATION_ID = 'template-app';

export const VIEWS_TOPIC = 'page-views';
export const MINUTE_MS = 60_000;
export const KEPT_MS = 24 * 60 * MINUTE_MS;
