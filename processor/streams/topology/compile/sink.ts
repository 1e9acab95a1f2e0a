import type { SinkNode, TopicOf } from '../graph.ts';
import { knownOf } from '../serdes.ts';
import type { Emit, TaskRuntime } from '../task-runtime.ts';
import { failedAt, keyBytesOf, refuseAnswer, serializer } from '../user-code.ts';
import { withRecord } from './steps.ts';

/** Writes records to topics of the user's: with the event time as Kafka timestamp, and the headers they came with. */
export function compileSink(
  { name, topic, key: keys, value: values, partitioner }: SinkNode,
  runtime: TaskRuntime,
): Emit {
  const topicOf = typeof topic === 'string' ? () => topic : withRecord(topic as TopicOf, runtime);
  const chosen = (choose: () => number, to: string, count: number): number => {
    try {
      return checkedPartition(choose(), to, count);
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  const bytesOf: (value: unknown) => Buffer | string =
    (knownOf(values).textOf as ((value: unknown) => string) | undefined) ?? serializer(values);
  return (key, value, timestampMs) => {
    try {
      const to = topicOf(value, key, timestampMs);
      if (typeof to !== 'string') refuseAnswer(to, 'the name of a topic');
      if (typeof topic !== 'string') runtime.checkTopic(to);
      const record = {
        topic: to,
        key: key === null ? null : keyBytesOf(keys, key),
        // A value of null is a tombstone: the serde does not see it.
        value: value === null ? null : bytesOf(value),
        timestampMs,
        headers: runtime.headers(),
      };
      if (partitioner === undefined) runtime.send(record);
      else
        runtime.send({
          ...record,
          choosePartition: (count) => chosen(() => partitioner(key as never, value as never, count), to, count),
        });
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** @throws RangeError for a partition that the topic does not have. */
function checkedPartition(partition: number, topic: string, count: number): number {
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition;
  throw new RangeError(`there is no partition ${String(partition)} of ${topic}, which has ${String(count)} partitions`);
}
