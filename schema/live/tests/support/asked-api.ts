import { afterEach, expect } from '@jest/globals';
import { type ExecutionResult, graphql, parse, subscribe } from 'graphql';

import type { LiveApi } from '../../live-api.ts';

/** An API that is asked by its schema, without a server. */
export abstract class AskedApi {
  abstract readonly api: LiveApi;

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

  /** The next update of a subscription each time it is called. */
  async watch(source: string, variableValues: Record<string, unknown> = {}, viewer?: unknown) {
    const results = await subscribe({
      schema: this.api.schema,
      document: parse(source),
      variableValues,
      contextValue: { viewer },
    });
    if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results));
    const iterator = results[Symbol.asyncIterator]();
    atTheEnd(() => iterator.return?.());
    const next = async (): Promise<ExecutionResult> => {
      const { value } = await iterator.next();
      return JSON.parse(JSON.stringify(value ?? null)) as ExecutionResult;
    };
    return Object.assign(next, { close: async () => void (await iterator.return?.()) });
  }
}

const open: (() => unknown)[] = [];
const files = new Set<string | undefined>();

/**
 * Called once by each test file that uses this. A hook of this module itself would be that of the first file alone: a
 * module is loaded once for all files of a worker.
 */
export function closeBehindEachTest(): void {
  files.add(expect.getState().testPath);
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });
}

/** Called behind the test, in this order. @throws in a file that has not called `closeBehindEachTest`. */
export function atTheEnd(close: () => unknown): void {
  if (!files.has(expect.getState().testPath)) throw new Error('the test file calls closeBehindEachTest() first');
  open.push(close);
}

/** It is closed behind the test. */
export function closedAfterwards<A extends AskedApi>(made: A): A {
  atTheEnd(() => made.api.close());
  return made;
}
