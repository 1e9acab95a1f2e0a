import { serialized, settled } from '../topology/user-code.ts';
import { stringSerde, type Serde } from '../topology/serdes.ts';
import { checkKeyText, encodeKey } from './key-text.ts';

/**
 * How a store tells its keys apart: each has an id, a text. Text keys are their own ids, so that the common case costs
 * no bytes at all; of all others it is the serialised bytes as latin1.
 */
export interface StoreKeys<K> {
  readonly isText: boolean;
  readonly asciiIsKey: true;
  idOf(key: K): string;
  /** @throws TypeError for a key whose bytes would be those of another one. */
  check(id: string): void;
  /** @throws as `check`. */
  bytesOf(id: string): Buffer;
  /** The opposite of `bytesOf`, for bytes that it made. */
  idOfBytes(bytes: Buffer): string;
  keyOf(bytes: Buffer): K;
  /** The bytes as latin1, whose order is theirs. @throws as `check`. */
  textOf(id: string): string;
  /** The opposite of `textOf`. */
  idOfText(text: string): string;
}

export function storeKeys<K>(serde: Serde<K> | undefined): StoreKeys<K> {
  return serde === undefined || (serde as unknown) === stringSerde
    ? (TEXT_KEYS as unknown as StoreKeys<K>)
    : serialisedKeys(serde);
}

const TEXT_KEYS: StoreKeys<string> = {
  isText: true,
  asciiIsKey: true,
  idOf: (key) => key,
  check: checkKeyText,
  bytesOf: encodeKey,
  idOfBytes: (bytes) => bytes.toString('utf8'),
  keyOf: (bytes) => bytes.toString('utf8'),
  textOf: (id) => encodeKey(id).toString('latin1'),
  idOfText: (text) => Buffer.from(text, 'latin1').toString('utf8'),
};

function serialisedKeys<K>(serde: Serde<K>): StoreKeys<K> {
  return {
    isText: false,
    asciiIsKey: true,
    idOf: (key) => {
      if (key === null || key === undefined) throw new TypeError(`a key of a store is never ${String(key)}`);
      return serialized(serde.serialize(settled(key))).toString('latin1');
    },
    check: () => undefined,
    bytesOf: (id) => Buffer.from(id, 'latin1'),
    idOfBytes: (bytes) => bytes.toString('latin1'),
    keyOf: (bytes) => serde.deserialize(Buffer.from(bytes)),
    textOf: (id) => id,
    idOfText: (text) => text,
  };
}
