import { useEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
import type { DashboardState } from '../state/dashboard-state.ts';
import type { StatesModel } from '../state/states-model.ts';

/**
 * How old rows may be that nobody sees: browsers lay out what is just out of sight, and fifty-one rows are most of the
 * page.
 */
const OUT_OF_SIGHT_MS = 5_000;

/** The states for what stands in `frame`: the newest while any of it is in sight, else those of a few seconds ago. */
export function useRowsInSight(frame: RefObject<HTMLElement | null>): (state: DashboardState) => StatesModel | null {
  const inSight = useRef(true);
  const drawn = useRef<{ readonly states: StatesModel | null; readonly at: number }>({ states: null, at: 0 });
  const [, drawAgain] = useState(0);
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        inSight.current = entry?.isIntersecting ?? true;
        if (inSight.current) drawAgain(Date.now());
      },
      { rootMargin: '100px' },
    );
    if (frame.current) observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return ({ shown: { states }, now }) => {
    if (inSight.current || drawn.current.states === null || now - drawn.current.at > OUT_OF_SIGHT_MS)
      drawn.current = { states, at: now };
    return drawn.current.states;
  };
}
