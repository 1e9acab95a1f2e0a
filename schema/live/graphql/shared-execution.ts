import {
  createSourceEventStream,
  type DocumentNode,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  Kind,
  print,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

import type { WorkQueue } from '../limits/work-queue.ts';
import type { ContextFields } from './context-fields.ts';

/**
 * Executes an update once for all subscriptions that select the same from it, and gives each the same result.
 *
 * The result must depend on the update, the document and its variables alone. So it is executed without the
 * subscriber's context: a resolver that asks who the client is finds nobody, and cannot give one client what belongs to
 * another. An operation that selects one of `contextFields` is executed for each subscriber, with his own.
 */
export function sharedExecution(queue: WorkQueue, contextFields: ContextFields): Plugin {
  const results = new WeakMap<object, Map<string, ExecutionResult | Promise<ExecutionResult>>>();

  function resultOf(
    update: object,
    operation: string,
    args: ExecutionArgs,
  ): ExecutionResult | Promise<ExecutionResult> {
    const known = results.get(update) ?? new Map<string, ExecutionResult | Promise<ExecutionResult>>();
    results.set(update, known);
    const shared = known.get(operation);
    // A result with errors is not shared: errors are masked, counted and logged for each subscriber.
    if (shared !== undefined)
      return 'then' in shared
        ? shared.then((result) => (result.errors === undefined ? result : executed(update, args)))
        : shared;
    const result = queue.run(costOf(update), () => executed(update, args));
    if (!('then' in result)) return keep(known, operation, result);
    const kept = result.then((written) => keep(known, operation, written));
    known.set(operation, kept);
    return kept;
  }

  function executed(
    update: unknown,
    { schema, document, operationName, variableValues }: ExecutionArgs,
    contextValue?: unknown,
  ): ExecutionResult | Promise<ExecutionResult> {
    return execute({
      schema,
      document,
      operationName: operationName ?? null,
      variableValues: variableValues ?? null,
      rootValue: update,
      contextValue,
    });
  }

  function keep(
    known: Map<string, ExecutionResult | Promise<ExecutionResult>>,
    operation: string,
    result: ExecutionResult,
  ): ExecutionResult {
    if (result.errors === undefined) known.set(operation, writtenOnce(result));
    else known.delete(operation);
    return result;
  }

  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(async (args: ExecutionArgs) => {
        const updates = await createSourceEventStream(args);
        if (!(Symbol.asyncIterator in updates)) return updates;
        if (contextFields.selectedBy(args.document, args.operationName))
          return mapped(updates, (update) =>
            queue.run(costOf(update), () => executed(update, args, args.contextValue)),
          );
        const operation = operationKey(args);
        // An update that is no object is equal to others by chance.
        return mapped(updates, (update) =>
          isObject(update) ? resultOf(update, operation, args) : executed(update, args),
        );
      });
    },
  };
}

/** About how many values an update has, by the length of its lists. */
function costOf(update: unknown): number {
  let cost = 1;
  if (!isObject(update)) return cost;
  for (const value of Object.values(update)) if (Array.isArray(value)) cost += VALUES_OF_A_ROW * value.length;
  return cost;
}

const VALUES_OF_A_ROW = 7;

function isObject(update: unknown): update is object {
  return typeof update === 'object' && update !== null;
}

const texts = new WeakMap<ExecutionResult, string>();

/** A result without errors as JSON, written once for all subscribers. */
export function resultText(result: ExecutionResult): string {
  const known = texts.get(result);
  if (known !== undefined) return known;
  const text = JSON.stringify(result);
  texts.set(result, text);
  return text;
}

/** The HTTP library calls `stringify` of a result that has one. */
function writtenOnce(result: ExecutionResult): ExecutionResult {
  return Object.defineProperty(result, 'stringify', { value: () => resultText(result) });
}

/**
 * Equal for operations that have equal results of the same update: the document as it is printed, the operation's name,
 * and the variables that its selections use. Arguments of the subscribed field are left out, since they have made the
 * update what it is: clients that came with different cursors get the same from then on.
 */
export function operationKey({
  document,
  operationName,
  variableValues,
}: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>): string {
  // A variable that is null differs from one that is left out, which has its default.
  const given = variablesOfSelections(document, operationName).filter((name) =>
    Object.hasOwn(variableValues ?? {}, name),
  );
  return JSON.stringify([operationName ?? null, given.map((name) => [name, variableValues?.[name]]), print(document)]);
}

/** Declared variables only: others were validated by nobody, and may be nested too deeply to be written. */
function variablesOfSelections(document: DocumentNode, operationName: string | null | undefined): readonly string[] {
  const operation = getOperationAST(document, operationName);
  const subscribed = operation?.selectionSet.selections ?? [];
  const used = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (_argument, _key, _parent, _path, ancestors) => {
      const field = ancestors.at(-1);
      return field !== undefined && 'kind' in field && field.kind === Kind.FIELD && subscribed.includes(field)
        ? false
        : undefined;
    },
    Variable: ({ name }) => void used.add(name.value),
  });
  const declared = operation?.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  return declared.filter((name) => used.has(name));
}

/**
 * No async generator, whose `return()` would wait for the next update: a subscriber that leaves while nothing changes
 * is freed at once.
 */
function mapped<T, U>(source: AsyncIterable<T>, map: (value: T) => U | Promise<U>): AsyncIterableIterator<U> {
  const iterator = source[Symbol.asyncIterator]();
  const ended = { done: true, value: undefined } as const;
  return {
    async next() {
      const { done, value } = await iterator.next();
      if (done === true) return ended;
      try {
        return { done: false, value: await map(value) };
      } catch (error) {
        await iterator.return?.();
        throw error;
      }
    },
    async return() {
      await iterator.return?.();
      return ended;
    },
    async throw(error) {
      await iterator.throw?.(error);
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
