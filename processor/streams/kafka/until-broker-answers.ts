import { isBrokerAway } from './kafka-errors.ts';

const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 1_000;

/**
 * Repeats a request while no broker answers it, for ever, until `signal` aborts. Other errors pass. `onAway` is told of
 * each time that none does, and with undefined when one does after that.
 */
export async function untilBrokerAnswers<T>(
  signal: AbortSignal,
  request: () => Promise<T>,
  recover?: () => Promise<void>,
  onAway?: (error: unknown) => void,
): Promise<T> {
  let isAway = false;
  for (let waitMs = MIN_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    signal.throwIfAborted();
    try {
      const answer = await request();
      if (isAway) onAway?.(undefined);
      return answer;
    } catch (error) {
      if (!isBrokerAway(error)) throw error;
      isAway = true;
      onAway?.(error);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    await recover?.().catch(() => undefined);
  }
}
