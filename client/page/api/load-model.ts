import { authorisation, QueryError } from '../../shared/api/http.ts';
import type { PageModel } from './model.ts';

/**
 * Asks the API which tables it has.
 * @throws QueryError `UNAUTHENTICATED` where the token is missing or wrong, `HTTP_<status>` for any other refusal.
 */
export async function loadModel(token: string | null): Promise<PageModel> {
  const response = await fetch('/page/tables.json', {
    headers: authorisation(token),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.ok) return (await response.json()) as PageModel;
  throw new QueryError({
    code: response.status === 401 ? 'UNAUTHENTICATED' : `HTTP_${response.status}`,
    message: 'The API did not tell which tables it has.',
  });
}
