import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { LogConfig } from './environment.ts';

/** Wherever these stand in what is logged, their value is left out. */
const secretPaths = ['password', 'token', 'authorization', 'apiToken', 'sasl', 'cookie'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/**
 * The process's logger: one line of JSON each, or coloured text for a terminal, on standard output, with RFC 3339
 * times. Written synchronously, so that the last line before an exit is not lost.
 */
export function createLogger(name: string, config: LogConfig): Logger {
  const options = {
    name,
    level: config.level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretPaths, censor: '[hidden]' },
  };
  if (config.format === 'json') return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, pretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}
