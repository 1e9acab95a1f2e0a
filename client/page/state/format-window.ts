const options = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
const minutes = new Intl.DateTimeFormat('en-GB', options);
const seconds = new Intl.DateTimeFormat('en-GB', { ...options, second: '2-digit' });
const dated = new Intl.DateTimeFormat('en-GB', { ...options, year: 'numeric', second: '2-digit' });

const HALF_A_YEAR_MS = 183 * 86_400_000;

/** 28 Nov, 12:00 – 13:00, in the reader's time zone; with seconds and the year where they tell something. */
export function formatSpan(start: number, end: number, now: number): string {
  const format = Math.abs(now - start) > HALF_A_YEAR_MS ? dated : start % 60_000 || end % 60_000 ? seconds : minutes;
  return format.formatRange(start, end);
}
