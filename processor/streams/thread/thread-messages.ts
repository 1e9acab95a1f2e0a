import type { ErrorCode, ErrorDetails } from '../errors.ts';
import type { ThreadInit } from '../streams-config.ts';
import type { TopologyPlace } from './load-topology.ts';
import type { TaskOwners } from '../group/task-owners.ts';
import type { RecordCacheCounts } from '../store/record-cache.ts';
import type { StoreAnswer, StoreQuestion } from '../queries/store-question.ts';
import type { ErrorQuestion } from './error-line.ts';
import type { RecordPlace } from '../task/record-watch.ts';
import type { RestoreEvent } from '../task/initialise-task.ts';
import type { RecordSpan } from '../task/record-traces.ts';
import type { TaskStatus } from '../task/instance-status.ts';

/** About the stores of a thread's tasks; answered under the same number. */
export interface AskedQuestion {
  readonly id: number;
  readonly question: StoreQuestion;
}

export interface GivenAnswer {
  readonly id: number;
  readonly answer: StoreAnswer;
}

/** Messages from a stream thread to the main thread. Plain data. */
export type FromThread =
  /** Its code is loaded: from here on it reports all the time. */
  | { readonly kind: 'loaded' }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly message: string;
    }
  | {
      readonly kind: 'status';
      readonly tasks: readonly TaskStatus[];
      /** Records processed since the thread started. */
      readonly records: number;
      /** Commits since the thread started: progress, as the supervisor understands it. */
      readonly commits: number;
      /** Records read into global tables: until they are read to their end this is progress, too. */
      readonly globalRecords: number;
      /** Of its record cache, since the thread started. */
      readonly cache: RecordCacheCounts;
      readonly brokerAway: string | null;
      /** Why tasks wait for the schema registry of their serdes, in one line; null when none waits. */
      readonly registryAway: string | null;
      /** Why tasks wait for the disk under their stores, in one line; null when none waits. */
      readonly diskTrouble: string | null;
      /** What the thread and its tasks have waited for for long, in one line; null when there is no such thing. */
      readonly longWait: string | null;
      /** Group membership is settled, no task is being restored and global tables are read to their end. */
      readonly steady: boolean;
      /** Committed offsets of repartition partitions, `topic-partition` to offset: what may be purged. */
      readonly purgeable: readonly (readonly [string, number])[];
    }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
      readonly stack: string | undefined;
    }
  /** It stands still until it is answered. */
  /** It has its topology, and waits for its `start`. */
  | { readonly kind: 'built' }
  | { readonly kind: 'decide'; readonly question: ErrorQuestion }
  | { readonly kind: 'answers'; readonly answers: readonly GivenAnswer[] }
  | { readonly kind: 'restore'; readonly event: RestoreEvent }
  | { readonly kind: 'spans'; readonly spans: readonly RecordSpan[] }
  /** As of the assignment that the thread has adopted. */
  | { readonly kind: 'owners'; readonly owners: TaskOwners | undefined }
  | { readonly kind: 'closed' };

/** Messages from the main thread to a stream thread. */
export type ToThread =
  /** `watch`: memory of a RecordWatch. `decisions`: of an error line. */
  | {
      readonly kind: 'start';
      readonly init: ThreadInit;
      readonly watch: SharedArrayBuffer;
      readonly decisions: SharedArrayBuffer;
      readonly withheld: readonly RecordPlace[];
      readonly paused: boolean;
    }
  /** User code hangs at these records: they are dead-lettered without another try. */
  | { readonly kind: 'withhold'; readonly records: readonly RecordPlace[] }
  | { readonly kind: 'ask'; readonly questions: readonly AskedQuestion[] }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'close' };

/** In the order in which a RecordWatch numbers them, on both sides. */
export function watchedTopics({ partitionCounts }: Pick<ThreadInit, 'partitionCounts'>): string[] {
  return Object.keys(partitionCounts).sort();
}

/** What a thread needs to load its code, before it gets its `start`. */
export interface ThreadLoad {
  readonly threadName: string;
  readonly topology: TopologyPlace;
}
