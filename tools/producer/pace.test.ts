import { describe, expect, test } from '@jest/globals';
import { Pace } from './pace.ts';
import { startProgressLine } from './progress-line.ts';

/** Takes at each of these times, and answers how many each. */
function takes(pace: Pace, times: readonly number[], limit = 1_000_000): number[] {
  return times.map((ms) => pace.take(ms, limit));
}

describe('pace', () => {
  test('the first is due at once, then one an interval', () => {
    expect(takes(new Pace(20, 100), [99, 100, 101, 149, 150, 250, 260])).toEqual([0, 1, 0, 0, 1, 2, 0]);
  });

  test('over a minute of uneven calls the rate is kept to the login', () => {
    const pace = new Pace(1000, 0);
    let sum = 0;
    for (let ms = 0; ms < 60_000; ms += 7.3) sum += pace.take(ms, 1_000_000);
    expect(Math.abs(sum - 60_000)).toBeLessThan(10);
  });

  test('a limit leaves the rest due', () => {
    const pace = new Pace(1000, 0);
    expect(takes(pace, [500, 500, 500], 200)).toEqual([200, 200, 101]);
  });

  test('after a stall it goes on at its rate, without a burst', () => {
    expect(takes(new Pace(100, 0), [0, 60_000, 60_010, 60_500])).toEqual([1, 1, 1, 49]);
  });

  test('slow rates do not take their own interval for a stall', () => {
    expect(takes(new Pace(0.1, 0), [0, 9_999, 10_000, 20_001, 30_000])).toEqual([1, 0, 1, 1, 1]);
  });

  test('it says how long to wait', () => {
    const pace = new Pace(20, 0);
    pace.take(0, 1);
    expect([pace.waitMs(0), pace.waitMs(20), pace.waitMs(80)]).toEqual([50, 30, 0]);
  });
});

describe('progress line', () => {
  function drawn(isTTY: boolean): { lines: string[]; at: (ms: number, total: number) => void; end: () => void } {
    const lines: string[] = [];
    let now = 0;
    const line = startProgressLine(
      { isTTY, write: (text: string) => lines.push(text.replace('\r\u001b[2K', '')) },
      () => now,
    );
    return {
      lines,
      at: (ms, total) => {
        now = ms;
        line.update(total);
      },
      end: () => line.end(),
    };
  }

  test('on a terminal: the total and the rate since the last, four times a second, and the end', () => {
    const { lines, at, end } = drawn(true);
    at(100, 1_000);
    at(250, 5_000);
    at(400, 8_000);
    at(500, 10_000);
    at(600, 12_345);
    end();
    expect(lines).toEqual(['5,000 logins, 20,000/s', '10,000 logins, 20,000/s', '12,345 logins, 23,450/s', '\n']);
  });

  test('nothing at all elsewhere, and nothing where nothing was published', () => {
    const elsewhere = drawn(false);
    elsewhere.at(1000, 5);
    elsewhere.end();
    const idle = drawn(true);
    idle.end();
    expect([...elsewhere.lines, ...idle.lines]).toEqual([]);
  });
});
