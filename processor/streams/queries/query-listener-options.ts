import { StreamsError } from '../errors.ts';
import { checkOptions, textOf } from '../options.ts';

/** Where an instance answers questions of other processes about its stores (docs/operations.md). */
export interface QueryListenerOptions {
  /** The address to listen at: 0.0.0.0 for every interface. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Who asks must have the same. It does not travel. */
  readonly token: string;
  /** Under which others reach it, where that is not `host`; by default the machine's name for 0.0.0.0 and ::. */
  readonly advertisedHost?: string;
  readonly advertisedPort?: number;
}

const HIGHEST_PORT = 65_535;

/** @throws StreamsError CONFIG_INVALID, which names all that is wrong. */
export function checkQueryListener(options: QueryListenerOptions): void {
  checkOptions('queryListener', options, ['host', 'port', 'token', 'advertisedHost', 'advertisedPort']);
  const { host, port, token, advertisedHost, advertisedPort } = options as {
    readonly [name in keyof QueryListenerOptions]: unknown;
  };
  const wrong: (readonly [name: string, why: string])[] = [];
  const check = (name: string, value: unknown, isRight: boolean, takes: string): void => {
    if (!isRight) wrong.push([name, `queryListener.${name} takes ${takes}, not ${textOf(value)}`]);
  };
  check('host', host, isText(host), 'an address to listen at, such as 0.0.0.0');
  check('port', port, isPort(port, 0), 'a whole number from 0 (any that is free) to 65535');
  if (!isText(token))
    wrong.push([
      'token',
      `queryListener.token takes a secret text that is not empty${token === '' ? '' : ', not ' + kindOf(token)}`,
    ]);
  check(
    'advertisedHost',
    advertisedHost,
    advertisedHost === undefined || isText(advertisedHost),
    'a name or an address',
  );
  check(
    'advertisedPort',
    advertisedPort,
    advertisedPort === undefined || isPort(advertisedPort, 1),
    'a port from 1 to 65535',
  );
  if (wrong.length === 0) return;
  throw new StreamsError('CONFIG_INVALID', wrong.map(([, why]) => why).join('; '), {
    settings: wrong.map(([name]) => `queryListener.${name}`),
  });
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

/** Never the token itself: it would stand in logs. */
function kindOf(token: unknown): string {
  return typeof token === 'string' ? 'blanks' : token === undefined ? 'undefined' : `a ${typeof token}`;
}

function isPort(value: unknown, least: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= HIGHEST_PORT;
}
