import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';

import { OriginPolicy } from './origins.ts';

const request = (origin: string, host: string, socket: object): IncomingMessage =>
  ({ headers: { origin, host }, socket }) as unknown as IncomingMessage;

test.each([
  [true, 'https://shop.example:8443', 'same'],
  [true, 'http://shop.example:8443', 'foreign'],
  [false, 'https://shop.example:8443', 'foreign'],
  [false, 'http://shop.example:8443', 'same'],
])('on a connection whose encryption is %s, %s is %s', (encrypted, origin, kind) => {
  const socket = encrypted ? { encrypted: true } : {};
  expect(new OriginPolicy([]).kindOf(request(origin, 'shop.example:8443', socket))).toBe(kind);
});
