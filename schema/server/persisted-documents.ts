import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

import { badUserInput } from '../answers/api-error.ts';

/** Written beside the dashboard by its build: what it asks, by the SHA-256 of the text. */
const MANIFEST = 'persisted-documents.json';
const manifest = z.record(z.string().regex(/^[0-9a-f]{64}$/), z.string());
const persistedQuery = z.object({ persistedQuery: z.union([z.string(), z.object({ sha256Hash: z.string() })]) });

/** Documents that a client may name by their hash instead of sending them. */
export type PersistedDocuments = ReadonlyMap<string, string>;

/** Those of the dashboard in `folder`; none where it is not built. */
export async function readPersistedDocuments(folder: string): Promise<PersistedDocuments> {
  try {
    return new Map(Object.entries(manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')))));
  } catch {
    return new Map();
  }
}

/** What a request may say besides, or in place of, its query. */
export interface DocumentReference {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/**
 * The text that a request without a query names: by `documentId`, with or without `sha256:`, or by
 * `extensions.persistedQuery`, the hash itself or Apollo's object. Null when it names none.
 * Throws BAD_USER_INPUT when it names one that is not here.
 */
export function persistedText(documents: PersistedDocuments, { query, documentId, extensions }: DocumentReference): string | null {
  if (typeof query === 'string' && query !== '') return null;
  const extended = persistedQuery.safeParse(extensions).data?.persistedQuery;
  const named = typeof documentId === 'string' ? documentId : typeof extended === 'object' ? extended.sha256Hash : extended;
  if (named === undefined) return null;
  const text = documents.get(named.replace(/^sha256:/, ''));
  if (text === undefined) throw badUserInput('documentId', 'names no document that this API has: send the query itself.');
  return text;
}
