import { RESET_REMEDY, StreamsError } from '../errors.ts';
import type { Serde } from '../topology/serdes.ts';
import { readStored, UnreadableValueError } from '../topology/stored-value.ts';

/**
 * A committed row. @throws StreamsError INTERNAL_TOPIC_INVALID naming it, where the application cannot have written it.
 */
export function readRow<V>(store: string, serde: Serde<V>, key: string, bytes: Buffer): V {
  try {
    return readStored(serde, bytes);
  } catch (error) {
    if (!(error instanceof UnreadableValueError)) throw error;
    throw new StreamsError(
      'INTERNAL_TOPIC_INVALID',
      `the row ${JSON.stringify(key)} of the store "${store}", whose changelog ends in -${store}-changelog, ` +
        `cannot be read (${error.message}): the application did not write it so. If something else writes to the ` +
        `changelog, stop it; then ${RESET_REMEDY}`,
      { remedy: 'reset', cause: error },
    );
  }
}
