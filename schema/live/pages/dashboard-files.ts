import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import type { Logger } from '@tributary/streams';
import { accepts, sendNotModified, etagOf, refusesMethod, sendBody, sendJson } from '../server/http-responses.ts';
import { setPagePolicy } from '../access/security-headers.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};
const COMPRESSIBLE = /^(text\/|application\/(json|manifest)|image\/svg)/;
const compress = promisify(gzip);
const NO_SUCH_FILE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not built</title>
<h1>This page is not built</h1>
<p>The API works without it: <a href="/graphql">/graphql</a>.</p>
<p>In a clone, <code>npm start</code> and <code>npm run shop</code> build it.</p>
`;

interface DashboardOptions {
  /** The page that is shown while there is no build. */
  readonly notBuiltPage?: string | undefined;
  readonly readBytes?: (path: string) => Promise<Buffer>;
}

interface CachedFile {
  readonly changedAtMs: number;
  readonly bytes: Buffer;
  readonly gzipped: Buffer | null;
  readonly etag: string;
  readonly scriptHashes: readonly string[];
}

/** Serves the built client: `/` and what it loads. The client's own paths, which are no files, get the page itself. */
export class DashboardFiles {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #notBuiltPage: string;
  readonly #readBytes: (path: string) => Promise<Buffer>;
  readonly #cache = new Map<string, CachedFile>();

  /** `folder`: where the client's build puts its files; it may be absent, and may appear while this runs. */
  constructor(
    folder: string,
    logger: Logger,
    { notBuiltPage = NOT_BUILT, readBytes = readFile }: DashboardOptions = {},
  ) {
    this.#folder = folder;
    this.#logger = logger;
    this.#notBuiltPage = notBuiltPage;
    this.#readBytes = readBytes;
  }

  async serve(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (refusesMethod(request, response, ['GET', 'HEAD'])) return;
    const wantsPage =
      pathname === '/' ||
      (extname(pathname) === '' &&
        accepts(request, 'text/html') &&
        request.headers.accept?.includes('text/html') === true);
    const name = wantsPage ? 'index.html' : pathname.slice(1);
    const file = await this.#read(name).catch((error: unknown) => {
      if (!(error instanceof UnreadableFileError)) throw error;
      return error;
    });
    if (file instanceof UnreadableFileError) return this.#sendTrouble(file, request, response);
    if (file !== null) return this.#send(name, file, request, response);
    if (!wantsPage) return sendJson(request, response, 404, { error: 'There is nothing at this path.' });
    setPagePolicy(request, response);
    response.setHeader('cache-control', 'no-store');
    sendBody(request, response, 404, CONTENT_TYPES['.html'] as string, this.#notBuiltPage);
  }

  /** Responds with 503: the dashboard is built, and this machine cannot read it now. */
  #sendTrouble(trouble: UnreadableFileError, request: IncomingMessage, response: ServerResponse): void {
    this.#logger.warn({ err: trouble }, 'a file of the dashboard could not be read');
    response.setHeader('cache-control', 'no-store');
    response.setHeader('retry-after', '1');
    sendJson(request, response, 503, { error: `${trouble.message}. Load this page again in a moment.` });
  }

  #send(name: string, file: CachedFile, request: IncomingMessage, response: ServerResponse): void {
    const contentType = CONTENT_TYPES[extname(name)] ?? 'application/octet-stream';
    if (contentType.startsWith('text/html')) setPagePolicy(request, response, { scriptHashes: file.scriptHashes });
    // The build puts a hash of the content into the names under assets/.
    response.setHeader(
      'cache-control',
      name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
    response.appendHeader('vary', 'Accept-Encoding');
    if (sendNotModified(request, response, file.etag)) return;
    const zipped = file.gzipped !== null && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    if (zipped) response.setHeader('content-encoding', 'gzip');
    sendBody(request, response, 200, contentType, zipped && file.gzipped !== null ? file.gzipped : file.bytes);
  }

  /** A file that lies in the folder after all links are followed; null for everything else. */
  async #read(name: string): Promise<CachedFile | null> {
    try {
      const decoded = decodeURIComponent(name);
      if (decoded.includes('\0') || decoded.split(/[/\\]/).some((part) => part.startsWith('.'))) return null;
      const folder = await realpath(this.#folder);
      const path = await realpath(join(folder, decoded));
      if (!path.startsWith(folder + sep)) return null;
      const { mtimeMs, isFile } = await stat(path).then((stats) => ({
        mtimeMs: stats.mtimeMs,
        isFile: stats.isFile(),
      }));
      if (!isFile) return null;
      const cached = this.#cache.get(path);
      if (cached?.changedAtMs === mtimeMs) return cached;
      const bytes = await this.#readBytes(path);
      const contentType = CONTENT_TYPES[extname(path)] ?? '';
      const file: CachedFile = {
        changedAtMs: mtimeMs,
        bytes,
        gzipped: COMPRESSIBLE.test(contentType) ? await compress(bytes) : null,
        etag: etagOf(bytes),
        scriptHashes: contentType.startsWith('text/html') ? inlineScriptHashes(bytes.toString('utf8')) : [],
      };
      this.#cache.set(path, file);
      return file;
    } catch (error) {
      if (isNoSuchFile(error)) return null;
      throw new UnreadableFileError(name, error);
    }
  }
}

/** Absent, no file, or no valid path. Every other failure is this machine's, and may be over at the next try. */
function isNoSuchFile(error: unknown): boolean {
  return error instanceof URIError || NO_SUCH_FILE.has(codeOf(error));
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** A file of the dashboard that exists and could not be read now. */
class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError';

  constructor(file: string, cause: unknown) {
    super(`${file} of the dashboard could not be read: ${String(codeOf(cause) ?? 'unknown')}`, { cause });
  }
}

/** Hashes of the page's inline scripts, such as the one that sets the theme before the first paint. */
function inlineScriptHashes(html: string): string[] {
  const scripts = html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g);
  return [...scripts].map(([, text = '']) => `sha256-${createHash('sha256').update(text).digest('base64')}`);
}
