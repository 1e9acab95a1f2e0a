import { setTimeout as sleep } from 'node:timers/promises';

export type HeldRow = Readonly<Record<string, unknown>> & { readonly id: string };

export interface HeldUpdate {
  readonly kind: 'SNAPSHOT' | 'DELTA';
  readonly cursor: string;
  readonly more: boolean;
  readonly rows: readonly HeldRow[];
  readonly removed: readonly string[];
}

/** Between two attempts to reach an API. */
const AGAIN_MS = 50;

/** What a client holds of a table's subscription, which it resumes by its cursor whenever an API answers again. */
export class HeldRows {
  /** By id. */
  readonly rows = new Map<string, HeldRow>();
  /** How often it began with all rows, and how often it went on with what had changed. */
  readonly begun = { anew: 0, resumed: 0 };
  /** Where an API is, whenever one is asked. */
  readonly #url: () => string;
  readonly #document: string;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #onUpdate: (update: HeldUpdate, before: ReadonlyMap<string, HeldRow>) => void;
  #cursor: string | null = null;
  #more = false;

  /**
   * `root`: the subscription's field; `fields`: what is asked of its rows, beside the id; `args`: more arguments.
   * `onUpdate`: told each update, and what was held before it.
   */
  constructor(
    url: string | (() => string),
    root: string,
    fields: string,
    args = '',
    onUpdate: (update: HeldUpdate, before: ReadonlyMap<string, HeldRow>) => void = () => undefined,
  ) {
    this.#url = typeof url === 'string' ? () => url : url;
    this.#onUpdate = onUpdate;
    this.#document = `subscription ($after: Cursor) { update: ${root}(after: $after, intervalMs: 100 ${args}) {
      kind cursor more removed rows { id ${fields} } } }`;
    this.#done = this.#follow();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#listen(signal);
      } catch {
        // Killed, or not started again yet.
      }
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const response = await fetch(`${this.#url()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: this.#document, variables: { after: this.#cursor } }),
      signal,
    });
    let isFirst = true;
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const json = /^data: (.+)$/m.exec(event)?.[1];
        if (json === undefined) continue;
        const { data } = JSON.parse(json) as { readonly data?: { readonly update: HeldUpdate } | null };
        // Not ready: it is asked again.
        if (data == null) return;
        this.#apply(data.update, isFirst);
        isFirst = false;
      }
    }
  }

  #apply(update: HeldUpdate, isFirst: boolean): void {
    const { kind, cursor, more, rows, removed } = update;
    this.#onUpdate(update, this.rows);
    if (isFirst) this.begun[kind === 'SNAPSHOT' ? 'anew' : 'resumed'] += 1;
    if (kind === 'SNAPSHOT' && (isFirst || !this.#more)) this.rows.clear();
    for (const row of rows) this.rows.set(row.id, row);
    for (const id of removed) this.rows.delete(id);
    this.#cursor = cursor;
    this.#more = more;
  }
}
