/** One line on a terminal that is written over: how many in all, and how many a second just now. */
export interface ProgressLine {
  /** @param total so far. */
  update(total: number): void;
  /** Leaves the last line standing. */
  end(): void;
}

interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const DRAW_EVERY_MS = 250;
const ERASE_LINE = '\r\u001b[2K';
const grouping = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Draws nothing where there is no terminal. */
export function startProgressLine(terminal: Terminal, nowMs: () => number = () => performance.now()): ProgressLine {
  let total = 0;
  let drawnTotal = 0;
  let drawnMs = nowMs();
  let drawn = false;

  const draw = () => {
    const now = nowMs();
    const rate = now > drawnMs ? ((total - drawnTotal) * 1000) / (now - drawnMs) : 0;
    terminal.write(`${ERASE_LINE}${grouping.format(total)} logins, ${grouping.format(rate)}/s`);
    drawnTotal = total;
    drawnMs = now;
    drawn = true;
  };
  return {
    update: (newTotal) => {
      total = newTotal;
      if (terminal.isTTY === true && nowMs() - drawnMs >= DRAW_EVERY_MS) draw();
    },
    end: () => {
      if (terminal.isTTY !== true) return;
      if (total > drawnTotal) draw();
      if (drawn) terminal.write('\n');
    },
  };
}
