import type { KeyValueStore, WindowRow } from '../../store/typed-store.ts';
import type { JoinSide, StreamStreamJoinNode } from '../graph.ts';
import { keptFor, type JoinWindows } from '../join-windows.ts';
import { copyThrough } from '../own-values.ts';
import type { Serde } from '../serdes.ts';
import type { Emit, OwnTime, TaskRuntime } from '../task-runtime.ts';
import type { UnmatchedRecord } from '../unmatched-record.ts';
import { failedAt, keyBytesOf, orNull, settled } from '../user-code.ts';
import { HeldRecords } from './held-records.ts';

/** How far the time of a partner may lie before and after that of a record. */
interface Reach {
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** A record that has met nothing, and can no longer. */
interface DueRecord extends UnmatchedRecord {
  readonly key: unknown;
  readonly timestampMs: number;
}

/**
 * Joins two streams. Either side keeps what it has had for as long as the other one may meet it. What a left or an
 * outer join finds no partner for waits until stream time has left the last moment for one behind, and is told then.
 */
export function compileStreamStreamJoin(
  node: StreamStreamJoinNode,
  runtime: TaskRuntime,
  next: Emit,
): Readonly<Record<JoinSide, Emit>> {
  const { name, joins, windows } = node;
  const { graceMs } = windows;
  const join = node.joiner as (left: unknown, right: unknown, key: unknown) => unknown;
  const keptMs = keptFor(windows);
  const unmatched = node.unmatched === undefined ? undefined : new Unmatched(node, node.unmatched.name, runtime);

  const joined = (side: JoinSide, own: unknown, other: unknown, key: unknown): unknown => {
    try {
      return orNull(side === 'left' ? join(own, other, key) : join(other, own, key));
    } catch (error) {
      throw failedAt(name, error);
    }
  };
  /** One whose joiner fails, and whose failure is let pass, does not take the others with it. */
  const tell = runtime.guarded(node, (key, due, at) => {
    const { side, value } = due as DueRecord;
    next(key, joined(side, value, null, key), at);
  });

  const side = (mine: JoinSide): Emit => {
    const other: JoinSide = mine === 'left' ? 'right' : 'left';
    const [own, others] = [runtime.windowStore(node[mine].name), runtime.windowStore(node[other].name)];
    const [ownTime, otherTime] = [runtime.ownTimeOf(node[mine].name), runtime.ownTimeOf(node[other].name)];
    const waits = joins === 'outer' || (joins === 'left' && mine === 'left');
    const reach = reachOf(mine, windows);
    const { serde } = node[mine];

    /** Keeps the record for the other side, and finds what that has had for it: by time, then as it came. */
    const meet = (key: unknown, value: unknown, at: number): readonly WindowRow<unknown>[] => {
      // mutant: keeps-each-side
      if (at > ownTime.advance(at) - keptMs) own.put(key, at, value);
      // Rows that are too old are there until the next commit.
      // mutant: kept-by-own-time
      const found = others.fetch(key, Math.max(at - reach.beforeMs, otherTime.nowMs - keptMs + 1), at + reach.afterMs);
      if (unmatched !== undefined) for (const { startMs } of found) unmatched.remove(other, key, startMs);
      return found;
    };

    return (key, value, at) => {
      const streamTimeMs = unmatched?.time.advance(at) ?? -1;
      if (value === null || value === undefined) return runtime.drop('null-value');
      if (key === null && !waits) return runtime.drop('null-key');
      if (key === null) return next(key, joined(mine, value, null, key), at);
      // mutant: due-before-own
      if (unmatched !== undefined)
        for (const due of unmatched.takeDue(streamTimeMs)) tell(due.key, due, due.timestampMs);
      const isLate = at + reach.afterMs + graceMs < streamTimeMs;
      let partners: readonly WindowRow<unknown>[];
      try {
        partners = meet(key, value, at);
        if (partners.length === 0 && waits && !isLate) unmatched?.put(mine, key, at, value);
      } catch (error) {
        throw failedAt(name, error);
      }
      if (partners.length === 0 && waits && isLate) next(key, joined(mine, value, null, key), at);
      for (let index = 0; index < partners.length; index += 1) {
        const partner = partners[index] as WindowRow<unknown>;
        // The joiner may change what it is given.
        const ownValue = index === partners.length - 1 ? value : copyThrough(serde, value);
        next(key, joined(mine, ownValue, partner.value, key), Math.max(at, partner.startMs));
      }
    };
  };
  return { left: side('left'), right: side('right') };
}

function reachOf(side: JoinSide, { beforeMs, afterMs }: JoinWindows): Reach {
  return side === 'left' ? { beforeMs, afterMs } : { beforeMs: afterMs, afterMs: beforeMs };
}

/** What has met nothing yet, of both sides, in one store. */
class Unmatched {
  /** The largest event time of the records of both sides. */
  readonly time: OwnTime;
  readonly #name: string;
  readonly #keys: Serde<unknown>;
  /** At equal times those of the right side go first. */
  readonly #lanes: Readonly<Record<JoinSide, HeldRecords<UnmatchedRecord>>>;
  /** A record waits for this long behind its own time. */
  readonly #waitsMs: Readonly<Record<JoinSide, number>>;

  constructor({ name, key, windows }: StreamStreamJoinNode, store: string, runtime: TaskRuntime) {
    const rows = runtime.keyValueStore(store).ownView() as KeyValueStore<unknown, unknown>;
    const lane = (prefix: string): HeldRecords<UnmatchedRecord> =>
      new HeldRecords(rows as KeyValueStore<Buffer, UnmatchedRecord>, prefix);
    this.#name = name;
    this.#keys = key;
    this.time = runtime.ownTimeOf(store);
    this.#lanes = { right: lane('\0'), left: lane('\u0001') };
    this.#waitsMs = {
      left: reachOf('left', windows).afterMs + windows.graceMs,
      right: reachOf('right', windows).afterMs + windows.graceMs,
    };
  }

  put(side: JoinSide, key: unknown, timestampMs: number, value: unknown): void {
    this.#lanes[side].put(timestampMs, keyBytesOf(this.#keys, key), { side, value });
  }

  /** They have met somebody. */
  remove(side: JoinSide, key: unknown, timestampMs: number): void {
    this.#lanes[side].remove(timestampMs, keyBytesOf(this.#keys, key));
  }

  /** Those that can meet nobody any more, in order of time. */
  takeDue(streamTimeMs: number): DueRecord[] {
    try {
      const due = (['right', 'left'] as const).flatMap((side) =>
        this.#lanes[side].takeBefore(streamTimeMs - this.#waitsMs[side]),
      );
      return due
        .sort((a, b) => a.timestampMs - b.timestampMs)
        .map(({ key, timestampMs, value }) => ({ ...value, timestampMs, key: settled(this.#keys.deserialize(key)) }));
    } catch (error) {
      throw failedAt(this.#name, error);
    }
  }
}
