import { StreamsError } from '../errors.ts';

/**
 * Another thread or process has the store open. Within a process that means a hand-over is still under way: the caller
 * tries again shortly. It never leaves the runtime, so it is not in the table of errors.
 */
export class StoreLockedError extends Error {
  override readonly name = 'StoreLockedError';
  readonly code = 'STORE_LOCKED';
}

/** The store cannot be trusted: the caller closes it, calls `setAside` and restores from the changelog. */
export function storeDamaged(directory: string, why: string, cause?: unknown): StreamsError {
  return new StreamsError('STORE_DAMAGED', `the store in ${directory} cannot be trusted: ${why}`, { cause });
}

/**
 * The disk under the store is full, failing or not ours to write. The store itself may be sound, so it is not set
 * aside: setting aside frees no space and repairs no disk. It is closed, and opened again when the disk takes writes.
 */
export function storeIoFailed(directory: string, why: string, cause?: unknown): StreamsError {
  return new StreamsError('STORE_IO_FAILED', `the store in ${directory} (stateDir) cannot be read or written: ${why}`, {
    settings: ['stateDir'],
    cause,
  });
}

/** What the operating system says of the disk itself, rather than of one missing or cut file of the store. */
const DISK_TROUBLE = [
  [/ENOSPC|No space left on device/i, 'the disk is full: free some space'],
  [/EDQUOT|quota exceeded/i, 'the disk quota is used up: free some space'],
  [/EROFS|Read-only file system/i, 'the file system is read-only: mount it writable or set stateDir to another one'],
  [
    /EACCES|EPERM|Permission denied|Operation not permitted/i,
    'no permission: give this user the directory or set stateDir to another one',
  ],
  [/EMFILE|ENFILE|Too many open files/i, 'too many open files: raise the limit (ulimit -n)'],
  [/EFBIG|File too large/i, 'the largest file size allowed is reached: raise the limit (ulimit -f)'],
  [/EIO\b|Input\/output error/i, 'the disk reports an input/output error: mend or replace it'],
  [/ENOMEM|Cannot allocate memory/i, 'out of memory'],
] as const;

/** One sentence with a remedy when the message is about the disk; null when it is about the store's own files. */
export function diskTrouble(message: string): string | null {
  return DISK_TROUBLE.find(([pattern]) => pattern.test(message))?.[1] ?? null;
}

/** LevelDB's own code and message: `level` wraps the cause of a failed open. */
export function levelCause(error: unknown): { readonly code: string; readonly message: string } {
  const inner = propertyOf(error, 'cause') ?? error;
  return { code: systemCode(inner), message: String(propertyOf(inner, 'message') ?? inner) };
}

/** `ENOENT`, `LEVEL_LOCKED` and the like, or an empty text. */
export function systemCode(error: unknown): string {
  const code = propertyOf(error, 'code');
  return typeof code === 'string' ? code : '';
}

/** Not by `instanceof`: errors made by native code are of another realm when the caller runs in a vm context. */
function propertyOf(error: unknown, name: 'cause' | 'code' | 'message'): unknown {
  return typeof error === 'object' && error !== null
    ? (error as { cause?: unknown; code?: unknown; message?: unknown })[name]
    : undefined;
}
