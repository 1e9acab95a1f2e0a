import { z } from 'zod';

import { type Device, invalidFlaw, type Login, LOGIN_FIELDS, missingFlaw } from './login.ts';
import { canStand, numberToMs, standInMs, textToMs } from './login-timestamp.ts';
import { type StateCode, stateOfLetters } from './states.ts';

/** Stands for a value that is there and cannot be used. */
const UNUSABLE = Symbol('unusable');

/** Trimmed as String.prototype.trim does it: Unicode's spaces, line ends and U+FEFF. */
const text = z.string().trim();

/**
 * A field that is undefined when absent, null or blank, UNUSABLE when it is there and does not fit `usable`. It never
 * fails: one bad field says nothing about the others, and the login is counted all the same.
 */
function field<T>(usable: z.ZodType<T>) {
  const unusable = z.unknown().transform((): typeof UNUSABLE => UNUSABLE);
  return z.preprocess(blankToUndefined, z.union([z.undefined(), usable, unusable]));
}

function blankToUndefined(value: unknown): unknown {
  return value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value;
}

const anything = field(z.unknown());

/** A login record as the generator publishes it, field by field; other fields are ignored. */
const loginShape = z.object({
  user_id: anything,
  app_version: anything,
  device_type: field(text.transform(deviceOf)),
  ip: anything,
  locale: field(text.length(2).transform(stateOf)),
  device_id: anything,
  timestamp: field(z.union([z.number().transform(numberToMs), text.transform(textToMs)])),
});

/** A device type's text, trimmed. `ios` and `android` in any case; everything else is `other`, and no fault. */
function deviceOf(trimmed: string): Device {
  if (/^ios$/i.test(trimmed)) return 'ios';
  return /^android$/i.test(trimmed) ? 'android' : 'other';
}

function stateOf(trimmed: string): StateCode | typeof UNUSABLE {
  return stateOfLetters(trimmed.charCodeAt(0), trimmed.charCodeAt(1)) ?? UNUSABLE;
}

/** Reads any JSON object as a login: every field may be missing or of any type. */
export function shapeLogin(object: object, kafkaTimestampMs: number, nowMs: number): Login {
  const fields = loginShape.parse(object);
  let flaws = 0;
  for (let index = 0; index < LOGIN_FIELDS.length; index++) {
    const value = fields[LOGIN_FIELDS[index] as keyof typeof fields];
    if (value === undefined) flaws |= missingFlaw(index);
    else if (value === UNUSABLE) flaws |= invalidFlaw(index);
  }

  const { device_type: device, locale: state, timestamp } = fields;
  let eventTimeMs = typeof timestamp === 'number' ? timestamp : NaN;
  if (!canStand(eventTimeMs, nowMs)) {
    if (timestamp !== undefined) flaws |= invalidFlaw(LOGIN_FIELDS.indexOf('timestamp'));
    eventTimeMs = standInMs(kafkaTimestampMs, nowMs);
  }
  return {
    device: device === undefined || device === UNUSABLE ? 'other' : device,
    state: state === undefined || state === UNUSABLE ? null : state,
    eventTimeMs,
    flaws,
  };
}
