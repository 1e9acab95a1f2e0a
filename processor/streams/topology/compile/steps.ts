import { encodeKey } from '../../store/key-text.ts';
import type { BranchNode, SinkNode, StepNode } from '../graph.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { checkedPair, failedAt, isTruthy, iterable, keyOrNull, serialized, settled } from '../user-code.ts';

/*
 * Steps that look at one record at a time. What the next node throws is not caught where that can be helped: it has a
 * name of its own.
 */

export function compileStep(node: StepNode, next: Emit): Emit {
  const { name } = node;
  switch (node.kind) {
    case 'filter': {
      const { predicate } = node;
      return (key, value, at) => {
        let passes: boolean;
        try {
          passes = predicate(value as never, key);
          if (passes !== true && passes !== false) passes = isTruthy(passes);
        } catch (error) {
          throw failedAt(name, error);
        }
        if (passes) next(key, value, at);
      };
    }
    case 'map-values': {
      const { map } = node;
      return (key, value, at) => {
        let mapped: unknown;
        try {
          mapped = settled(map(value as never, key));
        } catch (error) {
          throw failedAt(name, error);
        }
        next(key, mapped, at);
      };
    }
    case 'map': {
      const { map } = node;
      return (key, value, at) => {
        let mapped: ReturnType<typeof map>;
        let mappedKey: string | null;
        try {
          mapped = checkedPair(map(value as never, key));
          mappedKey = keyOrNull(mapped.key);
        } catch (error) {
          throw failedAt(name, error);
        }
        next(mappedKey, mapped.value, at);
      };
    }
    case 'flat-map': {
      const { map } = node;
      return (key, value, at) => {
        try {
          for (const mapped of iterable(map(value as never, key))) {
            checkedPair(mapped);
            next(keyOrNull(mapped.key), mapped.value, at);
          }
        } catch (error) {
          throw failedAt(name, error);
        }
      };
    }
    case 'flat-map-values': {
      const { map } = node;
      return (key, value, at) => {
        try {
          for (const mapped of iterable(map(value as never, key))) next(key, settled(mapped), at);
        } catch (error) {
          throw failedAt(name, error);
        }
      };
    }
    case 'peek': {
      const { look } = node;
      return (key, value, at) => {
        try {
          settled(look(value as never, key, at));
        } catch (error) {
          throw failedAt(name, error);
        }
        next(key, value, at);
      };
    }
  }
}

/** `branches`: what comes behind each predicate. */
export function compileBranch({ name, predicates }: BranchNode, branches: readonly Emit[]): Emit {
  return (key, value, at) => {
    let branch: Emit | undefined;
    try {
      // mutant: first-branch
      branch = branches[predicates.findIndex((predicate) => isTruthy(predicate(value as never, key)))];
    } catch (error) {
      throw failedAt(name, error);
    }
    if (branch !== undefined) branch(key, value, at);
  };
}

export function compileSink({ name, topic, serde }: SinkNode, runtime: TaskRuntime): Emit {
  return (key, value, timestampMs) => {
    try {
      runtime.send({
        topic,
        key: key === null ? null : encodeKey(key),
        value: value === null ? null : serialized(serde.serialize(value)),
        timestampMs,
      });
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}
