import { ask } from '../../shared/api/http.ts';
import type { TypedDocumentString } from './documents.ts';

/**
 * Asks the API once, without a cache.
 * @throws QueryError with the API's code; code `HTTP_<status>` where the answer was no GraphQL.
 */
export async function query<TResult, TVariables extends object>(
  document: TypedDocumentString<TResult, TVariables>,
  variables: TVariables,
  token: string | null,
): Promise<TResult> {
  // The document's types come from the schema that the server answers by.
  return (await ask(document.toString(), variables, token)) as TResult;
}
