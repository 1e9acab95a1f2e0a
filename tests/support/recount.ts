import { readFileSync } from 'node:fs';

/**
 * The numbers that Tributary must show for a set of records, worked out a second time: from the contract alone, record
 * by record, with none of the product's code. Slow, and plain enough to be checked by reading it beside the contract.
 */
export interface RawRecord {
  readonly value: Uint8Array | null;
  /** The Kafka record's own timestamp, epoch milliseconds; -1 when it has none. */
  readonly timestampMs: number;
}

export interface Devices {
  ios: number;
  android: number;
  other: number;
}

export interface StateTotals extends Devices {
  lastLoginAtMs: number;
}

/** By start of the window (epoch milliseconds), then by state code or `UNATTRIBUTED`; only windows with a login. */
export type Windows = Map<number, Map<string, Devices>>;

export interface Recount {
  consumed: number;
  counted: number;
  deadLettered: number;
  /** By reason; reasons that never occurred are left out. So are fields in `missing` and `invalid`. */
  deadLetters: Record<string, number>;
  missing: Record<string, number>;
  invalid: Record<string, number>;
  /** By state code, and `UNATTRIBUTED`; only those with a login. */
  states: Map<string, StateTotals>;
  totals: Devices;
  /** As if no login came too late for its window: lateness depends on the order of arrival. */
  minutes: Windows;
  hours: Windows;
  newestLoginAtMs: number | null;
}

export type Reading =
  | { readonly deadLetter: string }
  | {
      readonly deadLetter: null;
      readonly device: keyof Devices;
      /** A state code or `UNATTRIBUTED`. */
      readonly state: string;
      readonly eventTimeMs: number;
      readonly missing: string[];
      readonly invalid: string[];
    };

/** @param nowMs the clock at which all of them are processed. */
export function recount(records: Iterable<RawRecord>, nowMs: number): Recount {
  const result: Recount = {
    consumed: 0,
    counted: 0,
    deadLettered: 0,
    deadLetters: {},
    missing: {},
    invalid: {},
    states: new Map(),
    totals: { ios: 0, android: 0, other: 0 },
    minutes: new Map(),
    hours: new Map(),
    newestLoginAtMs: null,
  };
  for (const record of records) {
    result.consumed += 1;
    const reading = readRecord(record, nowMs);
    if (reading.deadLetter !== null) {
      result.deadLettered += 1;
      countOne(result.deadLetters, reading.deadLetter);
      continue;
    }
    result.counted += 1;
    for (const field of reading.missing) countOne(result.missing, field);
    for (const field of reading.invalid) countOne(result.invalid, field);

    result.totals[reading.device] += 1;
    const state = result.states.get(reading.state) ?? { ios: 0, android: 0, other: 0, lastLoginAtMs: 0 };
    state[reading.device] += 1;
    state.lastLoginAtMs = Math.max(state.lastLoginAtMs, reading.eventTimeMs);
    result.states.set(reading.state, state);
    result.newestLoginAtMs = Math.max(result.newestLoginAtMs ?? 0, reading.eventTimeMs);

    countInWindow(result.minutes, 60_000, reading.eventTimeMs, reading.state, reading.device);
    countInWindow(result.hours, 3_600_000, reading.eventTimeMs, reading.state, reading.device);
  }
  return result;
}

function countOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function countInWindow(
  windows: Windows,
  sizeMs: number,
  eventTimeMs: number,
  state: string,
  device: keyof Devices,
): void {
  const start = eventTimeMs - (eventTimeMs % sizeMs);
  const window = windows.get(start) ?? new Map<string, Devices>();
  const devices = window.get(state) ?? { ios: 0, android: 0, other: 0 };
  devices[device] += 1;
  window.set(state, devices);
  windows.set(start, window);
}

const STATES = (
  'AL AK AZ AR CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH ' +
  'OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY'
).split(' ');
const STATE_OF_LOCALE = new Map(STATES.map((code) => [code.toLowerCase(), code]));
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const OLDEST_TIME_MS = Date.parse('2000-01-01T00:00:00Z');

/** What becomes of one record. */
export function readRecord({ value, timestampMs }: RawRecord, nowMs: number): Reading {
  if (value === null) return { deadLetter: 'NO_VALUE' };
  let text: string;
  try {
    text = UTF8.decode(value);
  } catch {
    return { deadLetter: 'NOT_UTF8' };
  }
  let login: unknown;
  try {
    login = JSON.parse(text);
  } catch {
    return { deadLetter: 'NOT_JSON' };
  }
  if (login === null || Array.isArray(login) || typeof login !== 'object') return { deadLetter: 'NOT_OBJECT' };

  const fields = new Map<string, unknown>(Object.entries(login));
  const missing: string[] = [];
  const invalid: string[] = [];
  for (const name of ['user_id', 'app_version', 'device_type', 'ip', 'locale', 'device_id', 'timestamp']) {
    if (isMissing(fields.get(name))) missing.push(name);
  }

  let device: keyof Devices = 'other';
  const deviceType = fields.get('device_type');
  if (typeof deviceType === 'string') {
    const name = asciiLowerCase(deviceType.trim());
    if (name === 'ios' || name === 'android') device = name;
  } else if (!isMissing(deviceType)) {
    invalid.push('device_type');
  }

  let state = 'UNATTRIBUTED';
  const locale = fields.get('locale');
  if (!isMissing(locale)) {
    const found = typeof locale === 'string' ? STATE_OF_LOCALE.get(asciiLowerCase(locale.trim())) : undefined;
    if (found === undefined) invalid.push('locale');
    else state = found;
  }

  let eventTimeMs = timestampMs;
  const own = fields.get('timestamp');
  const ownTimeMs = readTime(own);
  if (ownTimeMs !== null && isPlausible(ownTimeMs, nowMs)) {
    eventTimeMs = ownTimeMs;
  } else {
    if (!isMissing(own)) invalid.push('timestamp');
    if (!isPlausible(timestampMs, nowMs)) eventTimeMs = nowMs;
  }
  return { deadLetter: null, device, state, eventTimeMs, missing, invalid };
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isPlausible(timeMs: number, nowMs: number): boolean {
  return timeMs >= OLDEST_TIME_MS && timeMs - nowMs <= 3_600_000;
}

/** Epoch milliseconds, or null for what is no time. */
function readTime(value: unknown): number | null {
  if (typeof value === 'number') return value >= 0 ? readDecimal(String(value)) : null;
  if (typeof value !== 'string') return null;
  return readDecimal(value.trim()) ?? readRfc3339(value.trim());
}

function readDecimal(text: string): number | null {
  const match = text.match(/^([0-9]+)(\.([0-9]+))?$/);
  if (match === null) return null;
  const whole = BigInt(match[1] as string);
  if (whole >= 100_000_000_000n) return Number(whole);
  const thousandths = BigInt(`${match[3] ?? ''}000`.slice(0, 3));
  return Number(whole * 1000n + thousandths);
}

function readRfc3339(text: string): number | null {
  const match = text.match(
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/i,
  );
  if (match === null) return null;
  const [, day, minute, second, fraction, offset] = match as unknown as [
    string,
    string,
    string,
    string,
    string | undefined,
    string,
  ];
  const asIfUtc = new Date(`${day}T${minute}:00.000Z`);
  // Of impossible days and hours some are refused here, and others become another day or hour.
  if (Number.isNaN(asIfUtc.getTime()) || !asIfUtc.toISOString().startsWith(`${day}T${minute}`)) return null;

  let minuteStart = asIfUtc.getTime();
  if (offset.toUpperCase() !== 'Z') {
    const hours = Number(offset.slice(1, 3));
    const minutes = Number(offset.slice(4, 6));
    if (hours > 23 || minutes > 59) return null;
    const sign = offset.startsWith('-') ? -1 : 1;
    minuteStart -= sign * (hours * 60 + minutes) * 60_000;
  }
  if (Number(second) > 59) {
    const utc = new Date(minuteStart);
    const lastMinute = utc.getUTCHours() === 23 && utc.getUTCMinutes() === 59;
    const juneOrDecember =
      (utc.getUTCMonth() === 5 && utc.getUTCDate() === 30) || (utc.getUTCMonth() === 11 && utc.getUTCDate() === 31);
    if (second !== '60' || !lastMinute || !juneOrDecember) return null;
  }
  const thousandths = fraction === undefined ? 0 : Number(`${fraction.slice(1)}000`.slice(0, 3));
  return minuteStart + Number(second) * 1000 + thousandths;
}

const GDP_FILE = new URL('../../processor/logins/data/us-state-gdp-2024.json', import.meta.url);

/** What `GET /data` answers: states with a login, by code. */
export function expectedData(
  recounted: Recount,
): Record<string, { gdp: string; ios: number; android: number; others: number; total: number }> {
  const { gdp } = JSON.parse(readFileSync(GDP_FILE, 'utf8')) as { gdp: Record<string, number> };
  const data: ReturnType<typeof expectedData> = {};
  for (const code of [...STATES].sort()) {
    const counts = recounted.states.get(code);
    if (counts === undefined) continue;
    const billions = (gdp[code] as number) / 1000;
    const { ios, android, other } = counts;
    data[code] = {
      gdp: billions >= 700 ? 'high' : billions < 230 ? 'low' : 'medium',
      ios,
      android,
      others: other,
      total: ios + android + other,
    };
  }
  return data;
}
