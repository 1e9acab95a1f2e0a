import type { AppProcess } from './app-process.ts';

const INTERVAL_MS = 2_000;
const MIB = 1 << 20;

/** Resident memory of one process over time, as it tells it in /metrics. */
export class MemorySamples {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(app: AppProcess) {
    this.#timer = setInterval(() => void this.#sample(app), INTERVAL_MS);
  }

  /** Ends the sampling. Medians of the quarters of the time, in MiB; empty when there are too few samples. */
  quarters(): number[] {
    clearInterval(this.#timer);
    const size = Math.floor(this.#samples.length / 4);
    if (size === 0) return [];
    return [0, 1, 2, 3].map((quarter) => {
      const sorted = this.#samples.slice(quarter * size, (quarter + 1) * size).sort((a, b) => a - b);
      return Math.round((sorted[Math.floor(size / 2)] as number) / MIB);
    });
  }

  async #sample(app: AppProcess): Promise<void> {
    try {
      const answer = await fetch(`http://127.0.0.1:${String(app.port)}/metrics`, {
        signal: AbortSignal.timeout(1_000),
      });
      const bytes = /^process_resident_memory_bytes (\S+)$/m.exec(await answer.text())?.[1];
      if (bytes !== undefined) this.#samples.push(Number(bytes));
    } catch {
      // It stands still just now.
    }
  }
}
