/** Numbers, times and names as people read them. One locale and one set of words for every page. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
const onePlace = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en-US', {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

export const NONE = '–';

/** 1,234,567 */
export function formatCount(value: number): string {
  return whole.format(value);
}

/** 1.23M */
export function formatCompact(value: number): string {
  return value < 10_000 ? whole.format(value) : compact.format(value);
}

/** 0.5, 20.4, 1,250 */
export function formatRate(perSecond: number | null): string {
  if (perSecond === null) return NONE;
  return perSecond >= 100 ? whole.format(perSecond) : onePlace.format(perSecond);
}

/** 47.5%; a dash for a share of nothing. */
export function formatShare(share: number | null): string {
  return share === null ? NONE : percent.format(share);
}

export function shareOf(part: number, total: number): number | null {
  return total === 0 ? null : part / total;
}

const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayMinute = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const dayClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** A mark on a time axis: 12:03, or the day at midnight and where marks are days apart. */
export function formatTick(at: number, stepMs: number): string {
  const date = new Date(at);
  return stepMs >= DAY_MS || (date.getHours() === 0 && date.getMinutes() === 0)
    ? day.format(date)
    : minute.format(date);
}

/** 12:03:07 in the reader's time zone; with the day where it is not within a day of `now`. */
export function formatMoment(iso: string, now: number): string {
  const at = Date.parse(iso);
  return Math.abs(now - at) < DAY_MS / 2 ? clock.format(at) : dayClock.format(at);
}

/** 12:03–12:04, with the day for windows of an hour. */
export function formatWindow(start: number, end: number): string {
  const first = end - start >= 3_600_000 ? dayMinute.format(start) : minute.format(start);
  return `${first}–${minute.format(end)}`;
}

/** just now, 3 s ago, 4 min ago. */
export function formatAgo(ms: number): string {
  return ms < 1_500 ? 'just now' : `${formatAge(ms)} ago`;
}

/** 3 s, 4 min, 2 h, 5 days. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
