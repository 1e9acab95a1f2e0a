import type { KafkaConnectionConfig } from '@tributary/streams';
import { createKafka } from '@tributary/streams/operations';
import type { AppProcess } from './app-process.ts';
import { quietLogger } from './quiet-logger.ts';
import { within } from './speed.ts';
import { until, DEADLINE_MS } from './until.ts';

/** What a process says of itself may be so much older than its interval, where something else has the cores. */
const LATE_MS = 300;

export interface ProgressOptions {
  readonly connection: KafkaConnectionConfig;
  readonly applicationId: string;
  /** Topics that nobody but the test writes to: their committed offsets must reach their ends. */
  readonly inputTopics: readonly string[];
  /** How many tasks the application has: all of them must be run by somebody. */
  readonly tasks: number;
  /** The processes that are alive now. */
  readonly apps: () => readonly AppProcess[];
  /** Of the processes: what they say of themselves may be this old. */
  readonly statusIntervalMs?: number;
}

/** Committed offsets of a group, `topic-partition` to offset; partitions without one are left out. */
export async function committedOffsets(
  connection: KafkaConnectionConfig,
  groupId: string,
): Promise<Map<string, number>> {
  const admin = createKafka({ ...connection, clientId: 'test-admin' }, quietLogger).admin();
  await admin.connect();
  try {
    const topics = await admin.fetchOffsets({ groupId });
    return new Map(
      topics.flatMap(({ topic, partitions }) =>
        partitions.flatMap(({ partition, offset }): [string, number][] =>
          Number(offset) < 0 ? [] : [[`${topic}-${String(partition)}`, Number(offset)]],
        ),
      ),
    );
  } finally {
    await admin.disconnect();
  }
}

/**
 * Resolves when all input is processed through all sub-topologies: the group stands at the end of the input, every task
 * of every living process runs with lag 0, and nothing has moved for longer than what they say of themselves may be
 * old.
 * @throws when that does not come about in time, or a process ends meanwhile.
 */
export async function settled(options: ProgressOptions, boundMs = DEADLINE_MS): Promise<void> {
  const { connection, applicationId, inputTopics, tasks: expectedTasks, apps, statusIntervalMs = 1_000 } = options;
  const admin = createKafka({ ...connection, clientId: 'test-admin' }, quietLogger).admin();
  await admin.connect();
  let last = '';
  let lastSeenAt = 0;
  let why = '';
  try {
    const stands = async (): Promise<boolean> => {
      // A broker that has just started has no coordinator yet: that is no answer either.
      const seen = await look().catch((error: unknown) => String(error));
      if (typeof seen === 'string') {
        why = seen;
        last = '';
      } else {
        const text = JSON.stringify(seen);
        if (text !== last) {
          last = text;
          lastSeenAt = performance.now();
          why = 'it still moves';
        } else if (performance.now() - lastSeenAt > statusIntervalMs + LATE_MS) return true;
      }
      for (const app of apps())
        if (!app.running)
          throw new Error(`a processor ended by itself: ${JSON.stringify(await app.exited)}\n${app.log()}`);
      return false;
    };
    await until(
      stands,
      () =>
        `settled: ${why}\n${apps()
          .map((app) => app.log(15))
          .join('\n---\n')}`,
      within(boundMs),
    );
  } finally {
    await admin.disconnect();
  }

  /** What must stand still; or why it is too early, in words. */
  async function look(): Promise<readonly unknown[] | string> {
    const offsets = new Map(
      (await admin.fetchOffsets({ groupId: applicationId })).flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [`${topic}-${String(partition)}`, Number(offset)] as const),
      ),
    );
    for (const topic of inputTopics) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        const at = offsets.get(`${topic}-${String(partition)}`) ?? 0;
        if (at < Number(high)) return `${topic}-${String(partition)} stands at ${String(at)} of ${high}`;
      }
    }
    const tasks = new Map<string, number>();
    for (const app of apps()) {
      const lags = await app.lags();
      if (lags === undefined) return 'a processor does not answer, or one of its tasks is not running';
      for (const [task, lag] of lags) {
        if (lag > 0) return `task ${task} has lag ${String(lag)}`;
        if (tasks.has(task)) return `task ${task} is run twice`;
        tasks.set(task, lag);
      }
    }
    if (tasks.size !== expectedTasks) return `${String(tasks.size)} of ${String(expectedTasks)} tasks run`;
    return [[...offsets], [...tasks.keys()].sort()];
  }
}

/** Resolves when the group has no member left; false when it has one still when the deadline is over. */
export async function groupEmpty(
  connection: KafkaConnectionConfig,
  groupId: string,
  boundMs = DEADLINE_MS,
): Promise<boolean> {
  const admin = createKafka({ ...connection, clientId: 'test-admin' }, quietLogger).admin();
  await admin.connect();
  try {
    const empty = async (): Promise<boolean> => (await admin.describeGroups([groupId])).groups[0]?.members.length === 0;
    return await until(empty, '', within(boundMs)).then(
      () => true,
      () => false,
    );
  } finally {
    await admin.disconnect();
  }
}
