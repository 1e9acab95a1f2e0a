/** `<sub-topology>_<partition>`, as in Kafka Streams: `0_3`. */
export type TaskId = string;

export function taskId(subTopology: number, partition: number): TaskId {
  return `${String(subTopology)}_${String(partition)}`;
}

/** @throws when the text is no task id. */
export function parseTaskId(id: TaskId): { subTopology: number; partition: number } {
  const match = /^(\d+)_(\d+)$/.exec(id);
  if (match === null) throw new Error(`not a task id: ${id}`);
  return { subTopology: Number(match[1]), partition: Number(match[2]) };
}

/** Sub-topology first, then partition, both as numbers. */
export function compareTaskIds(a: TaskId, b: TaskId): number {
  const left = parseTaskId(a);
  const right = parseTaskId(b);
  return left.subTopology - right.subTopology || left.partition - right.partition;
}
