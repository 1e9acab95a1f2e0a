/** One partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The name of a partition, as Kafka's own tools print it: `orders-3`. */
export function topicPartition(topic: string, partition: number): string {
  return `${topic}-${String(partition)}`;
}

/** Where a record is. */
export interface RecordOffset extends TopicPartition {
  readonly offset: number;
}

/** Where a record is, without the record. */
export function offsetOf({ topic, partition, offset }: RecordOffset): RecordOffset {
  return { topic, partition, offset };
}

/** A record as log lines and errors name it: `orders-3 offset 17`. */
export function recordPlace({ topic, partition, offset }: RecordOffset): string {
  return `${topicPartition(topic, partition)} offset ${String(offset)}`;
}

/** The opposite of `topicPartition`: a topic may have dashes in its name, a partition has none. */
export function parseTopicPartition(name: string): TopicPartition {
  const dash = name.lastIndexOf('-');
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) };
}
