import { StreamsError } from '@tributary/streams';
import { didYouMean, textOf } from '@tributary/streams/operations';
import { isPlainObject } from './types/plain-object.ts';

/** Where an API is listened for. */
export interface ListenPlace {
  /** An address of this machine; 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** 0 is any free port, and the default. */
  readonly port?: number | undefined;
}

const KNOWN = ['host', 'port'];

/** @throws StreamsError CONFIG_INVALID: without it an empty host would be all addresses, and a wrong name any port. */
export function checkedPlace(where: ListenPlace): { readonly host: string; readonly port: number } {
  const given: unknown = where;
  if (!isPlainObject(given))
    throw new StreamsError('CONFIG_INVALID', `listen takes an object with options (host, port), not ${textOf(given)}`);
  for (const name of Object.keys(given))
    if (!KNOWN.includes(name))
      throw new StreamsError('CONFIG_INVALID', `listen has no option "${name}": ${didYouMean(name, KNOWN)}`);
  const { host = '127.0.0.1', port = 0 } = where;
  if (typeof host !== 'string' || host === '')
    throw new StreamsError(
      'CONFIG_INVALID',
      `listen: host takes an address of this machine, such as 127.0.0.1 or 0.0.0.0, not ${textOf(host)}`,
    );
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new StreamsError(
      'CONFIG_INVALID',
      `listen: port takes a whole number from 0, which is any free one, to 65535, not ${textOf(port)}`,
    );
  return { host, port };
}
