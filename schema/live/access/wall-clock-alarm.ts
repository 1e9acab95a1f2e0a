/** A machine that slept, or whose clock was set, is noticed within this time. It is far below what a timer can hold. */
const LOOK_EVERY_MS = 60_000;

/**
 * Calls `ring` once the wall clock has reached `atMs`, epoch milliseconds, and never before: at once in a turn of its
 * own when that is past. It keeps no process alive. Returns the function that calls it off.
 */
export function alarmAt(atMs: number, ring: () => void): () => void {
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const leftMs = atMs - Date.now();
    timer = setTimeout(leftMs > LOOK_EVERY_MS ? look : ringInTime, Math.min(Math.max(0, leftMs), LOOK_EVERY_MS));
    timer.unref();
  };
  // A timer may be a millisecond early by the wall clock.
  const ringInTime = (): void => (Date.now() < atMs ? look() : ring());
  look();
  return () => clearTimeout(timer);
}
