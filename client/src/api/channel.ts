import type { Channel } from '../../shared/api/live-feed.ts';
import type { Problem } from '../../shared/api/transport.ts';
import type { TypedDocumentString } from './documents.ts';

/** Builds a channel whose answer and variables fit its document. */
export function channel<TResult, TVariables extends Record<string, unknown>>(
  key: string,
  document: TypedDocumentString<TResult, TVariables>,
  variables: TVariables,
  handlers: {
    readonly take: (data: TResult, resumed: boolean) => string | null;
    readonly problem: (problem: Problem | null) => void;
    readonly poll?: (token: string | null) => Promise<void>;
  },
): Channel {
  return {
    key,
    document: document.toString(),
    variables,
    // The document's types come from the schema that the server answers by.
    take: (data, resumed) => handlers.take(data as TResult, resumed),
    problem: handlers.problem,
    poll: handlers.poll ?? null,
  };
}
