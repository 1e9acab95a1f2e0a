const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * How long to wait before a try: doubling from half a second to ten, half of it random, so that the pages that lost one
 * API do not all come back in the same instant.
 * @param attempt 1 for the first try after a loss
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function retryWaitMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (random * ceiling) / 2);
}
