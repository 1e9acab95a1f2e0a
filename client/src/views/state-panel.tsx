import { useEffect, useRef } from 'preact/hooks';
import { formatCount, formatMoment, formatShare, shareOf } from '../../shared/format.ts';
import { formatGdp, GDP_CLASS_NAMES } from '../names.ts';
import { rankOf } from '../state/states-model.ts';
import { useDashboard, useSelect } from './context.ts';
import { DeviceFigures, ShareBar, PanelAge } from './parts.tsx';
import { SeriesFigure } from './series-figure.tsx';
import type { JSX } from 'preact';
import type { StateCode } from '../api/types.ts';

/** Below this width the panel covers the page, and the page behind it takes no focus. */
const COVERS = '(max-width: 859px)';

/** One state in full, beside the page. Esc and Back close it, and focus goes back to where it came from. */
export function StatePanel({ code }: { code: StateCode }): JSX.Element {
  const dashboard = useDashboard();
  const { states, classes, now } = useSelect((state) => ({
    states: state.shown.states,
    classes: state.shown.insights?.value.byGdpClass,
    now: state.now,
  }));
  const panel = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    const before = document.activeElement;
    return () => {
      const tile = document.querySelector<HTMLElement>(`[data-state="${code}"]`);
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus();
      else tile?.focus();
    };
  }, []);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [code]);
  useEffect(() => {
    const media = matchMedia(COVERS);
    const behind = document.querySelectorAll<HTMLElement>('[data-behind-panel]');
    const cover = (): void => behind.forEach((element) => (element.inert = media.matches));
    cover();
    media.addEventListener('change', cover);
    return () => {
      media.removeEventListener('change', cover);
      behind.forEach((element) => (element.inert = false));
    };
  }, []);

  const close = (): void => dashboard.prefer({ state: null }, true);
  const state = states?.byCode.get(code);
  const peers = classes?.find((entry) => entry.class === state?.gdp.class);
  return (
    <aside
      ref={panel}
      class="state-panel"
      aria-labelledby="state-title"
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <div class="panel-head">
        <h2 id="state-title" ref={heading} tabIndex={-1}>
          {state?.name ?? code}
        </h2>
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
      {state && states ? (
        <>
          <p class="panel-figure">
            <span class="rate-figure" data-figure="state-total">
              {formatCount(state.devices.total)}
            </span>{' '}
            <span class="quiet">logins</span>
          </p>
          <dl class="facts">
            <div>
              <dt>Rank by logins</dt>
              <dd>
                {rankOf(states, code)} of {states.byCode.size}
              </dd>
            </div>
            <div>
              <dt>GDP {state.gdp.year}</dt>
              <dd>
                {formatGdp(state.gdp.millionsUsd)}, {GDP_CLASS_NAMES[state.gdp.class].toLowerCase()}
              </dd>
            </div>
            <div>
              <dt>Newest login</dt>
              <dd>{state.lastLoginAt === null ? 'none yet' : formatMoment(state.lastLoginAt, now)}</dd>
            </div>
          </dl>
          <DeviceFigures devices={state.devices} />
          <ShareBar devices={state.devices} />
          {peers && (
            <p class="note" data-finding="peers">
              The {peers.states} {GDP_CLASS_NAMES[peers.class].toLowerCase()}-GDP states together:{' '}
              {formatShare(shareOf(peers.devices.ios, peers.devices.total))} iOS,{' '}
              {formatShare(shareOf(peers.devices.android, peers.devices.total))} Android.
            </p>
          )}
          <div class="panel-series-head">
            <h3>Over time</h3>
            <PanelAge panel="stateSeries" />
          </div>
          <SeriesFigure key={code} panel="stateSeries" code={code} height={13} where={` in ${state.name}`} />
        </>
      ) : (
        <p class="quiet">Waiting for the first answer.</p>
      )}
    </aside>
  );
}
