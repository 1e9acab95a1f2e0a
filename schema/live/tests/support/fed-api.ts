import { afterEach, expect } from '@jest/globals';
import type { TableChange } from '@tributary/streams';
import { type ExecutionResult, graphql, parse, subscribe } from 'graphql';

import type { openTableRows } from '../../feed/table-rows.ts';
import { takeKeyApart } from '../../feed/take-key-apart.ts';
import { createFedLiveApi, type LiveApi } from '../../live-api.ts';
import type { LiveApiOptions } from '../../live-api-options.ts';
import type { TablesModel } from '../../tables/table-reads.ts';

/** An API of the application `shop` whose topics, of one partition each, are written by hand. */
export class FedApi {
  readonly api: LiveApi;
  readonly model: TablesModel;
  readonly #ends = new Map<string, number>();

  constructor(options: Partial<LiveApiOptions> & Pick<LiveApiOptions, 'tables'>) {
    const fed: { model?: TablesModel } = {};
    const openRows: typeof openTableRows = ({ model, tables }) => {
      fed.model = model;
      for (const { name, shape } of tables) model.tables[name]?.follow(takeKeyApart(shape.kind, shape));
      model.followPositions(() => new Map([...this.#ends].map(([topic, end]) => [`${topic}-0`, end])));
      return {
        close: () => {
          model.hub.close();
          return Promise.resolve();
        },
      };
    };
    const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
    this.api = createFedLiveApi({ applicationId: 'shop', connection, ...options }, openRows);
    this.api.start();
    if (fed.model === undefined) throw new Error('the API has not started');
    this.model = fed.model;
    for (const copy of Object.values(this.model.tables)) copy.copied(new Map([[0, 0]]), 0);
    this.model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
  }

  /** `value`: JSON as text, anything else is written as JSON; null deletes. */
  put(topic: string, key: Buffer, value: unknown, timestampMs?: number): void {
    const offset = this.#ends.get(topic) ?? 0;
    this.#ends.set(topic, offset + 1);
    const change: TableChange = {
      topic,
      partition: 0,
      offset,
      timestampMs: timestampMs ?? Date.UTC(2026, 0, 1) + offset,
      key,
      value: value === null ? null : Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
    };
    this.model.apply([change]);
  }

  async ask(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown): Promise<ExecutionResult> {
    const result = await graphql({ schema: this.api.schema, source, variableValues, contextValue: { viewer } });
    return JSON.parse(JSON.stringify(result)) as ExecutionResult;
  }

  /** What is answered, where there is no error. */
  async data<T = Record<string, never>>(
    source: string,
    variableValues: Record<string, unknown> = {},
    viewer?: unknown,
  ): Promise<T> {
    const { data, errors } = await this.ask(source, variableValues, viewer);
    expect(errors).toBeUndefined();
    return data as T;
  }

  /** The codes, arguments and limits of the errors that are answered. */
  async errors(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown): Promise<unknown> {
    return (await this.ask(source, variableValues, viewer)).errors?.map(({ extensions }) => extensions);
  }

  async watch(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown) {
    const results = await subscribe({
      schema: this.api.schema,
      document: parse(source),
      variableValues,
      contextValue: { viewer },
    });
    if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results));
    const iterator = results[Symbol.asyncIterator]();
    open.push(() => iterator.return?.());
    const next = async (): Promise<ExecutionResult> => {
      const { value } = await iterator.next();
      return JSON.parse(JSON.stringify(value ?? null)) as ExecutionResult;
    };
    return Object.assign(next, { close: async () => void (await iterator.return?.()) });
  }
}

const open: (() => unknown)[] = [];

/** Called behind the test, in this order. */
export function atTheEnd(close: () => unknown): void {
  open.push(close);
}

/** It is closed behind the test. */
export function closedAfterwards<A extends FedApi>(made: A): A {
  atTheEnd(() => made.api.close());
  return made;
}

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});
