import { getOperationAST, type GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

import type { Logger } from '../../processor/streams/logger.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { codeOf, hiddenCause } from './error-answers.ts';

/** Operation names come from clients: only what a name can be, and not without end. */
function loggedName(name: string | null | undefined): string | undefined {
  return name == null ? undefined : /^\w{1,64}$/.test(name) ? name : '(unusable)';
}

/** One log line and one count per operation: its name, never its variables or text. Works for every transport. */
export class OperationLog {
  readonly #logger: Logger;
  readonly #metrics: ApiMetrics;

  constructor(logger: Logger, metrics: ApiMetrics) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  /** Counts errors that are being sent, and logs what a masked one hides. */
  errors(errors: readonly GraphQLError[]): void {
    for (const error of errors) {
      this.#metrics.errors.inc({ code: codeOf(error) });
      const cause = hiddenCause(error);
      if (cause !== undefined) this.#logger.error({ err: cause, path: error.path?.join('.') }, 'a request failed unexpectedly');
    }
  }

  plugin(): Plugin {
    const done = (type: string, context: unknown, operationName: string | undefined, startedAt: number, errors: readonly (GraphQLError | GraphQLFormattedError)[] | undefined): void => {
      const transport = transportOf(context);
      const codes = errors?.map(codeOf) ?? [];
      this.#metrics.operations.inc({ type, transport, outcome: codes.length === 0 ? 'ok' : 'error' });
      this.#logger.debug({ type, transport, operationName, durationMs: Math.round((performance.now() - startedAt) * 10) / 10, ...(codes.length === 0 ? {} : { codes }) }, 'operation');
    };
    return {
      onExecute({ args }) {
        const startedAt = performance.now();
        const operation = getOperationAST(args.document, args.operationName);
        // Also called for each event of a subscription, which has been counted when it began.
        if (operation?.operation === 'subscription') return undefined;
        return {
          onExecuteDone({ result }) {
            const errors = 'errors' in result ? result.errors : undefined;
            done(operation?.operation ?? 'unknown', args.contextValue, loggedName(operation?.name?.value), startedAt, errors);
          },
        };
      },
      onSubscribe({ args }) {
        const startedAt = performance.now();
        const operation = getOperationAST(args.document, args.operationName);
        return {
          onSubscribeResult({ result }) {
            const errors = 'errors' in result ? result.errors : undefined;
            done('subscription', args.contextValue, loggedName(operation?.name?.value), startedAt, errors);
          },
        };
      },
    };
  }
}

/** `context`: made by the engine; a WebSocket's holds its connection parameters, a request's the request. */
function transportOf(context: unknown): 'ws' | 'sse' | 'http' {
  const { connectionParams, request } = (context ?? {}) as { readonly connectionParams?: unknown; readonly request?: Request };
  if (connectionParams !== undefined) return 'ws';
  return request?.headers.get('accept')?.includes('text/event-stream') === true ? 'sse' : 'http';
}
