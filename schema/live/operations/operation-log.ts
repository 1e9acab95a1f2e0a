import { getOperationAST, type GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

import type { Logger } from '@tributary/streams';
import type { ApiMetrics } from './api-metrics.ts';
import { codeOf, hiddenCause } from '../graphql/client-errors.ts';
import type { Tracing } from './tracing.ts';

/** Operation names come from clients: only valid names of limited length are logged. */
function loggedName(name: string | null | undefined): string | undefined {
  return name == null ? undefined : /^\w{1,64}$/.test(name) ? name : '(unusable)';
}

/**
 * Writes one log line, one count and, with tracing, one span per operation: its name, never its variables or text.
 * Works for every transport.
 */
export class OperationLog {
  readonly #logger: Logger;
  readonly #metrics: ApiMetrics;
  readonly #tracing: Tracing | null;

  constructor(logger: Logger, metrics: ApiMetrics, tracing: Tracing | null) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#tracing = tracing;
  }

  /** Counts errors that are being sent, and logs the cause of a masked one. */
  errors(errors: readonly GraphQLError[]): void {
    for (const error of errors) {
      this.#metrics.errors.inc({ code: codeOf(error) });
      const cause = hiddenCause(error);
      if (cause !== undefined)
        this.#logger.error({ err: cause, path: error.path?.join('.') }, 'a request failed unexpectedly');
    }
  }

  plugin(): Plugin {
    return {
      onExecute: ({ args }) => {
        const operation = getOperationAST(args.document, args.operationName);
        // Also called for each event of a subscription, which was counted when it began.
        if (operation?.operation === 'subscription') return undefined;
        const done = this.#begin(operation?.operation ?? 'unknown', operation?.name?.value, args.contextValue);
        return { onExecuteDone: ({ result }) => done('errors' in result ? result.errors : undefined) };
      },
      onSubscribe: ({ args }) => {
        const done = this.#begin(
          'subscription',
          getOperationAST(args.document, args.operationName)?.name?.value,
          args.contextValue,
        );
        return { onSubscribeResult: ({ result }) => done('errors' in result ? result.errors : undefined) };
      },
    };
  }

  #begin(
    type: string,
    givenName: string | undefined,
    context: unknown,
  ): (errors: readonly (GraphQLError | GraphQLFormattedError)[] | undefined) => void {
    const startedAt = performance.now();
    const transport = transportOf(context);
    const name = loggedName(givenName);
    const endSpan = this.#tracing?.begin({
      type,
      name,
      transport,
      traceparent: requestOf(context)?.headers.get('traceparent'),
    });
    return (errors) => {
      const codes = errors?.map(codeOf) ?? [];
      this.#metrics.operations.inc({ type, transport, outcome: codes.length === 0 ? 'ok' : 'error' });
      this.#logger.debug(
        {
          type,
          transport,
          operationName: name,
          durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
          ...(codes.length === 0 ? {} : { codes }),
        },
        'operation',
      );
      endSpan?.(codes);
    };
  }
}

/** `context`: made by the engine; a WebSocket's holds its connection parameters, a request's the request. */
function transportOf(context: unknown): 'ws' | 'sse' | 'http' {
  if ((context as { readonly connectionParams?: unknown } | null)?.connectionParams !== undefined) return 'ws';
  return requestOf(context)?.headers.get('accept')?.includes('text/event-stream') === true ? 'sse' : 'http';
}

function requestOf(context: unknown): Request | undefined {
  return (context as { readonly request?: Request } | null | undefined)?.request;
}
