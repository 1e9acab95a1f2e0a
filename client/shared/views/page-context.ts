import { createContext } from 'preact';
import { useContext, useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import type { Context } from 'preact';
import type { Store } from '../state/store.ts';

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

interface PageContext<TPage, TState> {
  readonly PageContext: Context<TPage | null>;
  readonly usePage: () => TPage;
  /** A part of the page's state; the view is drawn again when that part changes (by identity, or field by field). */
  readonly useSelect: <T>(select: (state: TState) => T) => T;
}

/** How the views of one page reach the object that they are views of, and its state. */
export function pageContext<TPage extends { readonly store: Store<TState> }, TState>(): PageContext<TPage, TState> {
  const PageContext = createContext<TPage | null>(null);

  function usePage(): TPage {
    const page = useContext(PageContext);
    if (!page) throw new Error('A view is drawn outside of its page.');
    return page;
  }

  function useSelect<T>(select: (state: TState) => T): T {
    const { store } = usePage();
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

  return { PageContext, usePage, useSelect };
}
