import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const WHOLE = { type: 'major', flavor: 'last-resort' } as const;
type Collect = (options: typeof WHOLE) => void;

interface Collector {
  readonly gc?: Collect | undefined;
}

/**
 * Gives back the memory that reading large topics has left behind. V8 keeps the room that young objects had meanwhile,
 * some 50 MiB, for as long as no collection is told that memory is short. Nothing else runs until it is done, which
 * takes some tenths of a second: to be called where nobody waits for an answer yet. A process that was started with
 * `--expose-gc` has a `gc` and keeps the flag.
 */
export function releaseMemory({ gc }: Collector = globalThis): void {
  if (gc !== undefined) return gc(WHOLE);
  setFlagsFromString('--expose-gc');
  try {
    const collect = runInNewContext('globalThis.gc') as Collect | undefined;
    collect?.(WHOLE);
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
