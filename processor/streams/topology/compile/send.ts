import type { SendNode } from '../graph.ts';
import { encodeRoutedValue } from '../repartition-record.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { failedAt, isNoKey, keyBytesOf, serialized } from '../user-code.ts';
import { withRecord } from './steps.ts';

/** Sends each record by itself to the repartition topic, with its event time and its headers. */
export function compileSend(node: SendNode, runtime: TaskRuntime): Emit {
  const { name, grouping, key: keys, value: values, nullKeys, routes, lateAfterMs = Infinity } = node;
  const sender = runtime.senderTime(grouping);
  const keyOf = withRecord(node.keyOf, runtime);
  // Any store that its records reach is the address of all of them.
  const route = routes[0] ?? '';
  return (key, value, timestampMs) => {
    try {
      const selected = keyOf(value, key, timestampMs);
      const isNull = isNoKey(selected);
      if (isNull && nullKeys === 'drop') return runtime.drop('null-key');
      const bytes = value === null ? null : serialized(values.serialize(value));
      const streamTimeMs = sender === undefined ? runtime.streamTimeMs() : sender.reached(timestampMs);
      const mayBeLate = !runtime.isFlushing() && streamTimeMs - timestampMs > lateAfterMs;
      runtime.sendRouted(grouping, {
        key: isNull ? null : keyBytesOf(keys, selected),
        value: encodeRoutedValue({ route, timestampMs, value: bytes }),
        headers: runtime.headers(),
        mayBeLate,
      });
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}
