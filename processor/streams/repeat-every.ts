/**
 * Runs `work` once an interval, never twice at a time, until the function that it returns is called.
 * @param now the first time at once.
 */
export function repeatEvery(intervalMs: number, work: () => Promise<void>, { now = false } = {}): () => void {
  let working = false;
  const turn = (): void => {
    if (working) return;
    working = true;
    void work().finally(() => {
      working = false;
    });
  };
  const timer = setInterval(turn, intervalMs);
  timer.unref();
  if (now) turn();
  return () => clearInterval(timer);
}
