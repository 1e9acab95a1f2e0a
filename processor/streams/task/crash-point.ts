/** Moments at which the fault tests kill the process: between two steps of the commit, in a restore and its load of
 * a store, in a rebalance. */
type CrashPoint =
  'afterProduce' | 'afterCommit' | 'afterBatch' | 'inRestore' | 'beforeSwitch' | 'afterSwitch' | 'inRebalance';

const CRASH_AT = process.env['CRASH_AT'];
let remaining = Number(process.env['CRASH_AFTER'] ?? 1);

/** Kills the process, as kill -9 does, when `CRASH_AT` names this point and it has been passed `CRASH_AFTER` times. */
export function crashPoint(point: CrashPoint): void {
  if (CRASH_AT !== point) return;
  remaining -= 1;
  if (remaining <= 0) process.kill(process.pid, 'SIGKILL');
}
