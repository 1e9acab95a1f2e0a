import { getHeapStatistics } from 'node:v8';
import type { ResourceLimits } from 'node:worker_threads';

/** Fetched bytes live for one turn of the loop; a larger young generation only keeps more of them in memory. */
const YOUNG_GENERATION_MIB = 24;
/**
 * With a limit well below 2 GiB V8 lets a heap grow by three quarters of what is in use before it collects garbage,
 * with a larger one to four times. Node's `--max-old-space-size` wins over it.
 */
const OLD_GENERATION_MIB = 1_400;
const BYTES_PER_MIB = 2 ** 20;

/** Of a stream thread. A small machine gives less. */
export const workerHeap = (): ResourceLimits => ({
  maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB,
  maxOldGenerationSizeMb: Math.min(OLD_GENERATION_MIB, Math.floor(getHeapStatistics().heap_size_limit / BYTES_PER_MIB)),
});

/**
 * Why a worker has ended, for the log. What Node says of a full heap names no remedy. In some allocations, that of a
 * growing Map for one, Node ends the whole process instead, and nobody is told.
 */
export function workerFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return message;
  return (
    `${message}. The heap of a stream thread takes ${String(workerHeap().maxOldGenerationSizeMb)} MiB ` +
    'unless Node says otherwise: where stores in memory, global tables or indexes need more, start it with ' +
    '--max-old-space-size'
  );
}
