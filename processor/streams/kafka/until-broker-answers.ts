import { isBrokerAway } from './kafka-errors.ts';

const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 1_000;

/**
 * Repeats a request while no broker answers it, for ever, until `signal` aborts. Other errors pass. `onAway` is told of
 * each time that none does.
 */
export async function untilBrokerAnswers<T>(
  signal: AbortSignal,
  request: () => Promise<T>,
  recover?: () => Promise<void>,
  onAway?: (error: unknown) => void,
): Promise<T> {
  for (let waitMs = MIN_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    signal.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      if (!isBrokerAway(error)) throw error;
      onAway?.(error);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    await recover?.().catch(() => undefined);
  }
}
