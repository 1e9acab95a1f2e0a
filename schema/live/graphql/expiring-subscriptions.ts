import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';

import { alarmAt } from '../access/wall-clock-alarm.ts';
import { EXPIRES_AT_MS } from '../access/viewers.ts';
import { unauthenticated } from './api-error.ts';

/**
 * Ends a subscription when its viewer expires, with UNAUTHENTICATED as its last result. A WebSocket is closed as a
 * whole instead: its contexts name no time.
 */
export function expiringSubscriptions(): Plugin {
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result, setResult }) {
        const atMs = expiryOf(args.contextValue);
        if (atMs === null || !(Symbol.asyncIterator in result)) return;
        const last = (): ExecutionResult => ({ errors: [unauthenticated()] });
        setResult(endingAt(result as AsyncIterable<ExecutionResult>, atMs, last));
      },
    }),
  };
}

function expiryOf(context: unknown): number | null {
  return (context as { readonly [EXPIRES_AT_MS]?: number | null } | null)?.[EXPIRES_AT_MS] ?? null;
}

/**
 * What `source` gives, and from `atMs` on `last` alone. The source is freed at that time, or when this is left before;
 * the timer too.
 */
export function endingAt<T>(source: AsyncIterable<T>, atMs: number, last: () => T): AsyncIterableIterator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const done = { done: true, value: undefined } as const;
  let state: 'open' | 'expired' | 'ended' = 'open';
  let wake: (() => void) | null = null;
  const end = (): void => {
    state = 'ended';
    callOff();
  };
  const expire = (): void => {
    state = 'expired';
    wake?.();
    // What it says no longer matters.
    iterator.return?.().catch(() => undefined);
  };
  const callOff = alarmAt(atMs, expire);
  /** The clock says so before the alarm where the machine has slept, or its clock was set. */
  const isExpired = (): boolean => {
    if (state === 'open' && Date.now() >= atMs) expire();
    return state === 'expired';
  };
  return {
    async next() {
      if (state === 'ended') return done;
      if (!isExpired()) {
        try {
          // A promise for each wait: one for all would keep every result in memory.
          const expiry = new Promise<typeof done>((resolve) => (wake = () => resolve(done)));
          const next = await Promise.race([iterator.next(), expiry]);
          if (!isExpired()) {
            if (next.done === true) end();
            return next;
          }
        } catch (error) {
          if (!isExpired()) {
            end();
            throw error;
          }
        }
      }
      end();
      return { done: false, value: last() };
    },
    async return() {
      end();
      await iterator.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
