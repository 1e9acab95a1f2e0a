import { formatCount, formatRate, NONE } from '../../shared/format.ts';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { RATE_OVER_SECONDS } from '../dashboard.ts';
import { useSelect } from './context.ts';
import { DeviceFigures, ShareBar, PanelAge } from './parts.tsx';
import type { JSX } from 'preact';

const WIDTH = 160;
const HEIGHT = 36;

/** The rate of the last minute as a line without axes; the figure beside it says the same in words. */
function RateLine({ steps }: { steps: readonly number[] }): JSX.Element {
  const top = Math.max(1, ...steps);
  const slots = 59;
  const points = steps.map((step, index) => {
    const x = WIDTH - ((steps.length - 1 - index) / slots) * WIDTH;
    return `${x.toFixed(1)},${(HEIGHT - 1 - (step / top) * (HEIGHT - 3)).toFixed(1)}`;
  });
  return (
    <svg class="rate-line" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      {points.length > 1 && <polyline points={points.join(' ')} />}
    </svg>
  );
}

export function Totals(): JSX.Element {
  const { cursor, totals, rate, problem } = useSelect((state) => ({
    cursor: state.shown.states?.cursor,
    totals: state.shown.states?.totals,
    rate: state.shown.rate,
    problem: state.problems.states,
  }));
  return (
    <section class="totals" aria-labelledby="totals-title" data-cursor={cursor}>
      <div class="totals-head">
        <h1 id="totals-title">Device logins</h1>
        <PanelAge panel="states" />
      </div>
      <ProblemNote problem={problem} />
      <div class="totals-row">
        <div class="hero">
          <span class="hero-figure" data-figure="total">
            {totals ? formatCount(totals.total) : NONE}
          </span>
          <span class="quiet">logins counted</span>
        </div>
        <div class="rate">
          <div>
            <span class="rate-figure" data-figure="rate">
              {formatRate(rate.perSecond)}
            </span>
            <span class="quiet"> a second, over {RATE_OVER_SECONDS} s</span>
          </div>
          <RateLine steps={rate.steps} />
        </div>
        <div class="by-device">
          {totals ? (
            <>
              <DeviceFigures devices={totals} />
              <ShareBar devices={totals} />
            </>
          ) : (
            <p class="quiet">Waiting for the first answer.</p>
          )}
        </div>
      </div>
    </section>
  );
}
