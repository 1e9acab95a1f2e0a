import { STATE_CODES } from '../../processor/logins/states.ts';
import { DIRTY_KINDS, type DirtyKind, dirtyValue } from './dirty-logins.ts';
import type { LoginDraft } from './login-draft.ts';
import { seededRandom, type SeededRandom } from './seeded-random.ts';

export interface LoginGeneratorOptions {
  /** A safe integer. The same seed and event times give the same records. */
  readonly seed: number;
  /** How many of the records are dirty, 0 (default) to 1; their kinds are drawn evenly. */
  readonly dirtyShare?: number;
}

export interface GeneratedRecord {
  /** A random UUID: it says nothing about the login. */
  readonly key: string;
  /** UTF-8 JSON, unless it is dirty. */
  readonly value: Buffer | null;
  /** Null for a login as the public generator publishes it. */
  readonly dirt: DirtyKind | null;
}

/** Makes the next record. `eventTimeMs`: the login's time, epoch milliseconds. */
export type LoginGenerator = (eventTimeMs: number) => GeneratedRecord;

const NO_DEVICE_TYPE = 0.05;
/** It knows the fifty states, each as likely as any other, and not the District of Columbia. */
const LOCALES: readonly string[] = STATE_CODES.filter((code) => code !== 'DC');

/**
 * Synthetic logins in the format of the public `user-login` generator: integer epoch seconds, a fresh user and device
 * each time, `android` and `iOS` evenly, no `device_type` in 5 %. Pure: no clock, no other source of chance.
 */
export function loginGenerator({ seed, dirtyShare = 0 }: LoginGeneratorOptions): LoginGenerator {
  const random = seededRandom(seed);
  return (eventTimeMs) => {
    const key = random.uuid();
    if (dirtyShare > 0 && random.chance(dirtyShare)) {
      const dirt = random.pick(DIRTY_KINDS);
      return { key, value: dirtyValue(dirt, draftLogin(random, eventTimeMs), eventTimeMs), dirt };
    }
    return { key, value: Buffer.from(cleanText(random, eventTimeMs), 'latin1'), dirt: null };
  };
}

/**
 * What `JSON.stringify(draftLogin(...))` gives, without the object: it is what a replay of millions spends its time on.
 */
function cleanText(random: SeededRandom, eventTimeMs: number): string {
  const text =
    `{"user_id":"${random.uuid()}","app_version":"2.3.0","ip":"${ipAddress(random)}",` +
    `"locale":"${random.pick(LOCALES)}","device_id":"${random.uuid()}","timestamp":${Math.floor(eventTimeMs / 1000)}`;
  if (random.chance(NO_DEVICE_TYPE)) return `${text}}`;
  return `${text},"device_type":"${deviceType(random)}"}`;
}

/** One login as an object, from the same draws in the same order as the text of a clean one. */
export function draftLogin(random: SeededRandom, eventTimeMs: number): LoginDraft {
  const login = {
    user_id: random.uuid(),
    app_version: '2.3.0',
    ip: ipAddress(random),
    locale: random.pick(LOCALES),
    device_id: random.uuid(),
    timestamp: Math.floor(eventTimeMs / 1000),
  };
  return random.chance(NO_DEVICE_TYPE) ? login : { ...login, device_type: deviceType(random) };
}

function ipAddress(random: SeededRandom): string {
  const bits = random.uint32();
  return `${bits >>> 24}.${(bits >>> 16) & 0xff}.${(bits >>> 8) & 0xff}.${bits & 0xff}`;
}

function deviceType(random: SeededRandom): string {
  return random.chance(0.5) ? 'android' : 'iOS';
}
