import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

import type { Logger } from '@tributary/streams';
import { badUserInput } from './api-error.ts';

/** Written beside the dashboard by its build: the dashboard's documents by the SHA-256 of their text. */
const MANIFEST = 'persisted-documents.json';
const KIND = /^sha256:/;
const manifest = z.record(z.string().regex(/^(sha256:)?[0-9a-f]{64}$/), z.string());
const persistedQuery = z.object({ persistedQuery: z.union([z.string(), z.object({ sha256Hash: z.string() })]) });

/** Documents that a client may name by their hash instead of sending them. */
export class PersistedDocuments {
  readonly #path: string | null;
  readonly #logger: Logger;
  #texts: ReadonlyMap<string, string> = new Map();
  #readAt = '';

  /**
   * The documents of the page in `folder`; none while it is not built, or where there is no page.
   * @throws Error when there is a manifest that cannot be read.
   */
  constructor(folder: string | null, logger: Logger) {
    this.#path = folder === null ? null : join(folder, MANIFEST);
    this.#logger = logger;
    this.#read();
  }

  /** `hash`: SHA-256 in hexadecimal digits, with or without `sha256:`. */
  text(hash: string): string | undefined {
    const bare = hash.replace(KIND, '');
    return this.#texts.get(bare) ?? this.#readAgain().get(bare);
  }

  /** Reads the manifest again if a build has written it since. */
  #readAgain(): ReadonlyMap<string, string> {
    try {
      this.#read();
    } catch (error) {
      this.#logger.warn({ err: error }, 'the persisted documents cannot be read: those known so far stay');
    }
    return this.#texts;
  }

  #read(): void {
    if (this.#path === null) return;
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    const version = stats === undefined ? '' : `${String(stats.mtimeMs)} ${String(stats.size)}`;
    if (stats === undefined || version === this.#readAt) return;
    const parsed = parseManifest(this.#path);
    this.#texts = new Map(Object.entries(parsed).map(([hash, text]) => [hash.replace(KIND, ''), text]));
    this.#readAt = version;
  }
}

function parseManifest(path: string): Readonly<Record<string, string>> {
  try {
    return manifest.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`${path} is no manifest of persisted documents: build the dashboard again, or delete the file`, {
      cause: error,
    });
  }
}

/** How a request names its document besides, or instead of, sending it. */
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
export function persistedText(
  documents: PersistedDocuments,
  { query, documentId, extensions }: DocumentReference,
): string | null {
  if (typeof query === 'string' && query !== '') return null;
  const extended = persistedQuery.safeParse(extensions).data?.persistedQuery;
  const named =
    typeof documentId === 'string' ? documentId : typeof extended === 'object' ? extended.sha256Hash : extended;
  if (named === undefined) return null;
  const text = documents.text(named);
  if (text === undefined)
    throw badUserInput('documentId', 'names no document that this API has: send the query itself.');
  return text;
}
