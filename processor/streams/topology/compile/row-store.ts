import type { StoreSpec } from '../../store/typed-store.ts';
import type { TableRow, TaskRuntime } from '../task-runtime.ts';
import type { Windowed as WindowedOf } from '../windowed-serdes.ts';

type Windowed = WindowedOf<unknown>;

/** The rows of a store by the keys of its table, which are `Windowed` where there are windows. */
export interface RowStore {
  /** What identifies a row among those of the store, in text. */
  idOf(key: unknown): string;
  row(key: unknown): TableRow | undefined;
  /** As of the last commit. */
  committedRow(key: unknown): TableRow | undefined;
  /** It has been written since the last commit, with whatever value. */
  isChanged(key: unknown): boolean;
  put(key: unknown, value: unknown, timestampMs: number): void;
  delete(key: unknown): void;
}

export function rowStoreOf({ name, kind }: StoreSpec, runtime: TaskRuntime): RowStore {
  switch (kind) {
    case 'window': {
      const rows = runtime.windowStore(name);
      return {
        idOf: (key) => `${String((key as Windowed).startMs)}:${rows.idOf((key as Windowed).key)}`,
        row: (key) => rows.row((key as Windowed).key, (key as Windowed).startMs),
        committedRow: (key) => rows.committedRow((key as Windowed).key, (key as Windowed).startMs),
        isChanged: (key) => rows.isChanged((key as Windowed).key, (key as Windowed).startMs),
        put: (key, value, at) => rows.put((key as Windowed).key, (key as Windowed).startMs, value, at),
        delete: (key) => rows.delete((key as Windowed).key, (key as Windowed).startMs),
      };
    }
    case 'session': {
      const rows = runtime.sessionStore(name);
      const by = <R>(key: unknown, call: (key: unknown, startMs: number, endMs: number) => R): R => {
        const { key: inner, startMs, endMs } = key as Windowed;
        return call(inner, startMs, endMs);
      };
      return {
        idOf: (key) => by(key, (inner, startMs, endMs) => `${String(startMs)}:${String(endMs)}:${rows.idOf(inner)}`),
        row: (key) => by(key, (inner, startMs, endMs) => rows.row(inner, startMs, endMs)),
        committedRow: (key) => by(key, (inner, startMs, endMs) => rows.committedRow(inner, startMs, endMs)),
        isChanged: (key) => by(key, (inner, startMs, endMs) => rows.isChanged(inner, startMs, endMs)),
        put: (key, value, at) => by(key, (inner, startMs, endMs) => rows.put(inner, startMs, endMs, value, at)),
        delete: (key) => by(key, (inner, startMs, endMs) => rows.delete(inner, startMs, endMs)),
      };
    }
    default:
      return runtime.keyValueStore(name);
  }
}
