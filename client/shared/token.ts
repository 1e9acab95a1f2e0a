const TOKEN_KEY = 'tributary.token';

/** The token that this tab was given. Storage may be closed to a page: then a token lasts as long as the page. */
export function storedToken(): string | null {
  try {
    return sessionStorage.getItem(TOKEN_KEY);
  } catch {
    return null;
  }
}

export function storeToken(token: string): void {
  try {
    sessionStorage.setItem(TOKEN_KEY, token);
  } catch {
    // Kept in memory by the feed all the same.
  }
}
