import { connectWebSocket } from './websocket-transport.ts';
import type { Connect, TransportKind } from './transport.ts';

/** Both ways to the API. Few pages ever need the second: loaded when it is. */
export const connectors: Readonly<Record<TransportKind, Connect>> = {
  websocket: connectWebSocket,
  sse: async (options) => (await import('./sse-transport.ts')).connectSse(options),
};
