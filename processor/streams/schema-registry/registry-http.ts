import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { HttpAnswer, HttpQuestion } from './registry-transport.ts';

/* A question over HTTP, tried again while what it meets may pass. */

const FIRST_PAUSE_MS = 50;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** Answers of a registry, or of what stands before it, that may be others in a moment; so are all from 500 on. */
const PASSING_STATUS = [408, 425, 429];

export interface RegistryHttpOptions {
  /** Tried in turn. */
  readonly urls: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** For all tries of a question together. */
  readonly timeoutMs: number;
}

/** Asks one URL after the other until one answers. Text: why none has, in the time or before `signal` was aborted. */
export async function answerTo(
  question: HttpQuestion,
  options: RegistryHttpOptions,
  signal?: AbortSignal,
): Promise<HttpAnswer | string> {
  const { urls, timeoutMs } = options;
  const endsAt = performance.now() + timeoutMs;
  let why = '';
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    for (const url of urls) {
      const leftMs = Math.ceil(endsAt - performance.now());
      if (leftMs <= 0 || signal?.aborted === true) return why === '' ? `no answer in ${String(timeoutMs)} ms` : why;
      try {
        const answer = await askOnce(url, question, options, [AbortSignal.timeout(leftMs), ...listOf(signal)]);
        if (answer.status < 500 && !PASSING_STATUS.includes(answer.status)) return answer;
        why = `${url} answered HTTP ${String(answer.status)}: ${answer.body.slice(0, 200)}`;
      } catch (error) {
        why = reasonOf(error, timeoutMs);
      }
    }
    await sleep(Math.max(0, Math.min(pauseMs, endsAt - performance.now())));
  }
}

function listOf(signal: AbortSignal | undefined): readonly AbortSignal[] {
  return signal === undefined ? [] : [signal];
}

async function askOnce(
  url: string,
  { method, path, body }: HttpQuestion,
  { headers }: RegistryHttpOptions,
  signals: readonly AbortSignal[],
): Promise<HttpAnswer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { accept: `${CONTENT_TYPE}, application/json`, 'content-type': CONTENT_TYPE, ...headers },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.any([...signals]),
  });
  return { status: response.status, body: await response.text() };
}

/** fetch says only that it failed; its cause says why. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${String(timeoutMs)} ms`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { errors } = cause as { readonly errors?: readonly unknown[] };
  return errors?.length === undefined ? messageOf(cause) : errors.map(messageOf).join('; ');
}
