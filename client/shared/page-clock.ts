const TICK_MS = 1_000;
/** A clock that jumped by more than this was asleep. */
const SLEPT_MS = 5_000;

interface PageClock {
  /** Once a second, and when the page is seen again or thawed. `slept`: the clock had stood still. */
  readonly tick: (now: number, slept: boolean) => void;
  /** What the browser says of its network, when that changes. */
  readonly network: (online: boolean) => void;
}

/** Tells a page the time, and what its browser goes through, for as long as it is open. */
export function startPageClock({ tick, network }: PageClock): void {
  let last = Date.now();
  const look = (): void => {
    const now = Date.now();
    const slept = now - last > SLEPT_MS;
    last = now;
    tick(now, slept);
  };
  setInterval(look, TICK_MS);
  addEventListener('online', () => network(true));
  addEventListener('offline', () => network(false));
  // A page that the browser froze is thawed with its timers far behind.
  document.addEventListener('resume', look);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') look();
  });
}
