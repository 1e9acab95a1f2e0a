import type { BranchNode, StepNode, ValueFunction } from '../graph.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { checkedPair, failedAt, isTruthy, iterable, orNull, settled, takesRecord } from '../user-code.ts';

/*
 * Steps that look at one record at a time. What the next node throws is not caught where that can be helped: it has a
 * name of its own.
 */

/** A callback as a node calls it. */
export type Call<R> = (value: unknown, key: unknown, timestampMs: number) => R;

/** The record is made for callbacks that may look at it, and for no other. */
export function withRecord<R>(callback: ValueFunction<R>, runtime: TaskRuntime): Call<R> {
  return takesRecord(callback)
    ? (value, key, at) => callback(value as never, key as never, runtime.context(at))
    : (callback as unknown as Call<R>);
}

export function compileStep(node: StepNode, runtime: TaskRuntime, next: Emit): Emit {
  const { name } = node;
  switch (node.kind) {
    case 'filter': {
      const predicate = withRecord(node.predicate, runtime);
      return (key, value, at) => {
        let passes: boolean;
        try {
          passes = predicate(value, key, at);
          if (passes !== true && passes !== false) passes = isTruthy(passes);
        } catch (error) {
          throw failedAt(name, error);
        }
        if (passes) next(key, value, at);
      };
    }
    case 'map-values': {
      const map = withRecord(node.map, runtime);
      return (key, value, at) => {
        let mapped: unknown;
        try {
          // mutant: undefined-is-null
          mapped = orNull(map(value, key, at));
        } catch (error) {
          throw failedAt(name, error);
        }
        next(key, mapped, at);
      };
    }
    case 'map': {
      const map = withRecord(node.map, runtime);
      return (key, value, at) => {
        let mapped: ReturnType<typeof map>;
        let mappedKey: unknown;
        try {
          mapped = checkedPair(map(value, key, at));
          mappedKey = orNull(mapped.key);
        } catch (error) {
          throw failedAt(name, error);
        }
        next(mappedKey, mapped.value === undefined ? null : mapped.value, at);
      };
    }
    case 'flat-map': {
      const map = withRecord(node.map, runtime);
      return (key, value, at) => {
        try {
          for (const mapped of iterable(map(value, key, at))) {
            checkedPair(mapped);
            next(orNull(mapped.key), mapped.value === undefined ? null : mapped.value, at);
          }
        } catch (error) {
          throw failedAt(name, error);
        }
      };
    }
    case 'flat-map-values': {
      const map = withRecord(node.map, runtime);
      return (key, value, at) => {
        try {
          for (const mapped of iterable(map(value, key, at))) next(key, orNull(mapped), at);
        } catch (error) {
          throw failedAt(name, error);
        }
      };
    }
    case 'peek': {
      const look = withRecord(node.look, runtime);
      return (key, value, at) => {
        try {
          settled(look(value, key, at));
        } catch (error) {
          throw failedAt(name, error);
        }
        next(key, value, at);
      };
    }
  }
}

/** `branches`: what comes behind each predicate. */
export function compileBranch({ name, predicates }: BranchNode, runtime: TaskRuntime, branches: readonly Emit[]): Emit {
  const calls = predicates.map((predicate) => withRecord(predicate, runtime));
  return (key, value, at) => {
    let branch: Emit | undefined;
    try {
      // mutant: first-branch
      branch = branches[calls.findIndex((predicate) => isTruthy(predicate(value, key, at)))];
    } catch (error) {
      throw failedAt(name, error);
    }
    if (branch !== undefined) branch(key, value, at);
  };
}
