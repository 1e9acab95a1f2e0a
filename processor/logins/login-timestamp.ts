/** The earliest time that a login can have: 2000-01-01T00:00:00Z. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
/** How far ahead of the clock a login's time may be. */
const AHEAD_MS = 3_600_000;
/** Numbers below this count seconds; from here on, milliseconds. */
const SECONDS_BELOW = 100_000_000_000;

const DECIMAL = /^(\d+)(?:\.(\d+))?$/;
const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Whether a time is from 2000-01-01 on and at most an hour ahead of `nowMs`. NaN, for what could not be read, is not.
 */
export function canStand(timeMs: number, nowMs: number): boolean {
  return timeMs >= EARLIEST_MS && timeMs <= nowMs + AHEAD_MS;
}

/** The time of a login whose own cannot stand: its Kafka record's, or the clock where that is no better. */
export function standInMs(kafkaTimestampMs: number, nowMs: number): number {
  return canStand(kafkaTimestampMs, nowMs) ? Math.floor(kafkaTimestampMs) : nowMs;
}

/** Whole seconds or milliseconds as epoch milliseconds. `value`: a non-negative integer. */
export function integerToMs(value: number): number {
  return value < SECONDS_BELOW ? value * 1000 : value;
}

/**
 * A JSON number as epoch milliseconds, floored; NaN if it is negative.
 * A decimal is floored as it is written, not as a double computes it: 1720576825.001 x 1000 falls short of ...001.
 */
export function numberToMs(value: number): number {
  if (value < 0) return NaN;
  if (Number.isInteger(value)) return integerToMs(value);
  const decimal = DECIMAL.exec(String(value));
  // Only what is below a millionth, or no finite number, is written otherwise.
  return decimal === null ? Math.floor(value) : decimalToMs(decimal[1] as string, decimal[2]);
}

/**
 * Trimmed text as epoch milliseconds, floored; NaN if it is neither a plain decimal nor an RFC 3339 date and time.
 * Plain means digits with at most one point between them: no sign, no exponent.
 */
export function textToMs(text: string): number {
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return decimalToMs(decimal[1] as string, decimal[2]);
  const dateTime = RFC_3339.exec(text);
  return dateTime === null ? NaN : dateTimeToMs(dateTime);
}

function decimalToMs(whole: string, fraction: string | undefined): number {
  const value = Number(whole);
  return value < SECONDS_BELOW ? value * 1000 + milliseconds(fraction) : value;
}

/** The first three digits of a fraction of a second. */
function milliseconds(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
}

function dateTimeToMs(parts: RegExpExecArray): number {
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetHour = Number(parts[9] ?? 0);
  const offsetMinute = Number(parts[10] ?? 0);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return NaN;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return NaN;

  const offsetMs = (parts[8] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
  const wholeMinuteMs = Date.UTC(year, month - 1, day, hour, minute) - offsetMs;
  if (second === 60 && !endsWithLeapSecond(wholeMinuteMs)) return NaN;
  return wholeMinuteMs + second * 1000 + milliseconds(parts[7]);
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/**
 * Leap seconds come at the end of June or December, UTC (RFC 3339, 5.7). Epoch time has no number of its own for one:
 * it shares that of the second after it.
 */
function endsWithLeapSecond(minuteMs: number): boolean {
  const minute = new Date(minuteMs).toISOString().slice(5, 16);
  return minute === '06-30T23:59' || minute === '12-31T23:59';
}
