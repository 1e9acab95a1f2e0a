import { StreamsError } from '../errors.ts';

/** A serde has found its schema registry away: whatever it was to read or write is not known, and not at fault. */
export function isRegistryAway(error: unknown): error is StreamsError {
  return error instanceof StreamsError && error.code === 'SCHEMA_REGISTRY_AWAY';
}

/**
 * A task that has waited for its registry blocks the thread again when it reads on: so long the thread has time for its
 * other tasks and for the group.
 */
export const REGISTRY_PAUSE_MS = 1_000;
