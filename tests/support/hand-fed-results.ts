import {
  changelogTopic,
  COUNTS_BY_STATE,
  COUNTS_BY_STATE_HOUR,
  COUNTS_BY_STATE_MINUTE,
  DATA_QUALITY,
  QUALITY_KEY,
  statusTopic,
  type StoreName,
} from '../../processor/logins/names.ts';
import { encodeWindowKey, type InstanceStatus, type Logger, type TableChange } from '@tributary/streams';
import { createLoginModel, type LoginModel } from '../../schema/logins/rows/login-model.ts';

export const SILENT_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export interface TestCounts {
  readonly ios?: number;
  readonly android?: number;
  readonly other?: number;
  readonly lastLoginAtMs?: number | null;
}

/** Which of the changelogs' partitions owns a key in these tests. */
export const TEST_PARTITIONS = 4;

function partitionOf(key: string): number {
  return [...key].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % TEST_PARTITIONS;
}

/** The changelogs of an application, written by hand: any number of live models can read them from any position. */
export class HandFedResults {
  readonly applicationId: string;
  readonly records: TableChange[] = [];
  readonly #ends = new Map<string, number>();
  #writtenAtMs = Date.UTC(2026, 0, 2, 12);

  constructor(applicationId = 'test-logins') {
    this.applicationId = applicationId;
  }

  state(key: string, counts: TestCounts | null): TableChange {
    return this.#append(COUNTS_BY_STATE, partitionOf(key), Buffer.from(key), countsValue(counts));
  }

  minute(startMs: number, key: string, counts: TestCounts | null): TableChange {
    return this.#append(
      COUNTS_BY_STATE_MINUTE,
      partitionOf(key),
      encodeWindowKey(startMs, key),
      countsValue(counts, startMs),
    );
  }

  hour(startMs: number, key: string, counts: TestCounts | null): TableChange {
    return this.#append(
      COUNTS_BY_STATE_HOUR,
      partitionOf(key),
      encodeWindowKey(startMs, key),
      countsValue(counts, startMs),
    );
  }

  quality(partition: number, value: object): TableChange {
    return this.#append(DATA_QUALITY, partition, Buffer.from(QUALITY_KEY), Buffer.from(JSON.stringify(value)));
  }

  raw(store: StoreName, partition: number, key: Buffer, value: Buffer | null): TableChange {
    return this.#append(store, partition, key, value);
  }

  status(status: InstanceStatus): TableChange {
    return this.#put(statusTopic(this.applicationId), 0, Buffer.from(status.id), Buffer.from(JSON.stringify(status)));
  }

  left(instanceId: string): TableChange {
    return this.#put(statusTopic(this.applicationId), 0, Buffer.from(instanceId), null);
  }

  #append(store: StoreName, partition: number, key: Buffer, value: Buffer | null): TableChange {
    return this.#put(changelogTopic(this.applicationId, store), partition, key, value);
  }

  #put(topic: string, partition: number, key: Buffer, value: Buffer | null): TableChange {
    const place = `${topic}-${partition}`;
    const offset = this.#ends.get(place) ?? 0;
    // A commit's marker takes an offset too.
    this.#ends.set(place, offset + 2);
    const change = { topic, partition, offset, timestampMs: this.#writtenAtMs++, key, value };
    this.records.push(change);
    return change;
  }

  /** As a broker leaves it after compaction: the newest record of each key, offsets unchanged. */
  compacted(): TableChange[] {
    const newest = new Map<string, TableChange>();
    for (const record of this.records)
      newest.set(`${record.topic} ${record.partition} ${record.key.toString('hex')}`, record);
    return this.records.filter(
      (record) => newest.get(`${record.topic} ${record.partition} ${record.key.toString('hex')}`) === record,
    );
  }
}

function countsValue(counts: TestCounts | null, atMs = 0): Buffer | null {
  if (counts === null) return null;
  const { ios = 0, android = 0, other = 0, lastLoginAtMs = atMs === 0 ? null : atMs } = counts;
  return Buffer.from(JSON.stringify({ ios, android, other, lastLoginAtMs }));
}

const START: ReadonlyMap<number, number> = new Map(
  Array.from({ length: TEST_PARTITIONS }, (_, partition) => [partition, 0]),
);

export interface HandFedModel {
  readonly results: HandFedResults;
  readonly model: LoginModel;
  /** The wall clock; may be set. Durations go with it. */
  nowMs: number;
  /** How far the wall clock is from the one that durations are measured with. */
  setBackMs: number;
  /** Hands over what `write` returns as one fetched run. */
  feed(...changes: TableChange[]): void;
}

/** A live model with a whole copy of nothing, and a clock of its own. */
export function handFedModel(
  options: { readonly caughtUp?: boolean; readonly results?: HandFedResults; readonly logger?: Logger } = {},
): HandFedModel {
  const results = options.results ?? new HandFedResults();
  const fed: HandFedModel = {
    results,
    nowMs: Date.UTC(2026, 0, 2, 12, 0, 30),
    model: createLoginModel({
      applicationId: results.applicationId,
      logger: options.logger ?? SILENT_LOGGER,
      now: () => fed.nowMs - fed.setBackMs,
      elapsedMs: () => fed.nowMs,
    }),
    setBackMs: 0,
    feed: (...changes) => fed.model.apply(changes),
  };
  const { states, minutes, hours } = fed.model.tables;
  // From the start of each topic on.
  if (options.caughtUp !== false) for (const table of [states, minutes, hours]) table.copied(START, 0);
  if (options.caughtUp !== false) fed.model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
  return fed;
}

export function instanceStatus(id: string, more: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    id,
    applicationId: 'test-logins',
    guarantee: 'exactly_once',
    topology: 'Topologies:\n   Sub-topology: 0\n',
    host: 'host-1',
    startedAtMs: Date.UTC(2026, 0, 2, 11),
    reportedAtMs: Date.UTC(2026, 0, 2, 12, 0, 30),
    threads: 1,
    recordsPerSecond: 20.5,
    tasks: [{ id: '0_0', role: 'ACTIVE', state: 'RUNNING', inputs: ['user-login-0'], lag: 0 }],
    ...more,
  };
}
