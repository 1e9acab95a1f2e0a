import { formatMoment, plural } from '../format.ts';
import type { Status } from './connection.ts';

/** The words for a state. `spoken` has no figure that ticks: it is what a screen reader is told when it changes. */
export function wordsFor(status: Status, now: number): { shown: string; spoken: string } {
  switch (status.kind) {
    case 'opening':
      return { shown: 'Connecting', spoken: 'Connecting' };
    case 'live':
      return { shown: 'Live', spoken: 'Live' };
    case 'paused':
      return { shown: `Paused, ${plural(status.held, 'update')} held`, spoken: 'Paused' };
    case 'catching-up': {
      if (status.restoring) {
        return {
          shown: `Catching up: ${status.restoring.done} of ${status.restoring.of} tasks restored`,
          spoken: 'Catching up',
        };
      }
      return {
        shown: status.lag ? `Catching up: ${plural(status.lag, 'record')} behind` : 'Catching up',
        spoken: 'Catching up',
      };
    }
    case 'no-processor':
      return { shown: 'No processor running', spoken: 'No processor running' };
    case 'reconnecting': {
      const when = status.inSeconds === null ? 'Reconnecting' : `Reconnecting in ${status.inSeconds} s`;
      return { shown: `${when} (attempt ${status.attempt})`, spoken: 'Connection lost, reconnecting' };
    }
    case 'offline': {
      const data = status.asOf === null ? 'Offline' : `Offline, showing data as of ${formatMoment(status.asOf, now)}`;
      return { shown: data, spoken: data };
    }
    case 'unauthorised':
      return { shown: 'Access token needed', spoken: 'Access token needed' };
  }
}
