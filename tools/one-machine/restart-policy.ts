const maxRestarts = 10;
const firstDelayMs = 500;
const maxDelayMs = 30_000;
/** A part that ran this long is well: what failed before is forgotten. */
const healthyAfterMs = 60_000;

export type RestartDecision =
  | { readonly action: 'restart'; readonly delayMs: number; readonly attempt: number; readonly of: number }
  | { readonly action: 'give-up'; readonly reason: 'too-many-restarts' | 'bad-configuration' };

/** Exit code of a part that was given something it cannot use: the next start would end the same way. */
export const badConfigurationExitCode = 2;

/** Decides what follows the end of a part: up to ten restarts in a row, each after a longer pause. */
export class RestartPolicy {
  #restarts = 0;

  /** `ranForMs` is how long the part ran before it ended. */
  next(exitCode: number | null, ranForMs: number): RestartDecision {
    if (exitCode === badConfigurationExitCode) return { action: 'give-up', reason: 'bad-configuration' };
    if (ranForMs >= healthyAfterMs) this.#restarts = 0;
    if (this.#restarts === maxRestarts) return { action: 'give-up', reason: 'too-many-restarts' };
    const delayMs = Math.min(firstDelayMs * 2 ** this.#restarts, maxDelayMs);
    this.#restarts += 1;
    return { action: 'restart', delayMs, attempt: this.#restarts, of: maxRestarts };
  }
}
