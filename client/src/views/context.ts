import { createContext } from 'preact';
import { useContext, useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import type { Dashboard } from '../dashboard.ts';
import type { DashboardState } from '../state/dashboard-state.ts';

export const DashboardContext = createContext<Dashboard | null>(null);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (!dashboard) throw new Error('A view is drawn outside of the dashboard.');
  return dashboard;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Levels of plain objects that are compared field by field; deeper ones by identity. */
const DEPTH = 3;

function sameByParts(a: unknown, b: unknown, depth = DEPTH): boolean {
  if (Object.is(a, b)) return true;
  if (depth === 0 || !isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => sameByParts(a[key], b[key], depth - 1));
}

/** A part of the page's state; the view is drawn again when that part changes (by identity, or field by field). */
export function useSelect<T>(select: (state: DashboardState) => T): T {
  const { store } = useDashboard();
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const selected = select(store.get());
  const latest = useRef({ select, selected });
  latest.current = { select, selected };
  useLayoutEffect(
    () =>
      store.subscribe(() => {
        const { select: newest, selected: drawn } = latest.current;
        if (!sameByParts(newest(store.get()), drawn)) redraw(0);
      }),
    [store],
  );
  return selected;
}
