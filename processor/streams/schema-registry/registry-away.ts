import { setTimeout as sleep } from 'node:timers/promises';
import { StreamsError } from '../errors.ts';

/** Of an error that nobody knows how to ask again about: then whoever met it tries again. */
const PAUSE_MS = 2_000;

/** Settles when the registry answers, or when the signal is aborted. */
type UntilAnswered = (signal: AbortSignal) => Promise<void>;

const known = new WeakMap<StreamsError, UntilAnswered>();

export function registryAway(message: string, untilAnswered: UntilAnswered): StreamsError {
  const error = new StreamsError('SCHEMA_REGISTRY_AWAY', message);
  known.set(error, untilAnswered);
  return error;
}

/**
 * Waits without blocking until it is worth while to call a serde again that has thrown `error`: SCHEMA_REGISTRY_AWAY,
 * or SCHEMA_REGISTRY_REFUSED, which may be over after a while. Other questions to that registry are not asked
 * meanwhile, and throw at once. Returns also when `signal` is aborted.
 */
export async function untilRegistryAnswers(error: StreamsError, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const untilAnswered = known.get(error) ?? pause;
  await untilAnswered(signal);
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
}
