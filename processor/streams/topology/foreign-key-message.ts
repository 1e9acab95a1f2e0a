/*
 * What the two sides of a foreign-key join send each other, as the values of records of their repartition topics.
 *
 *   subscription  keyed by the foreign key
 *                 u8 instruction | u32 partition of the left row | u8 length of the version | version | left key
 *   response      keyed by the left key
 *                 u8 length of the version | version | u8 0 (no right row) or 1 | right value
 *
 * A version is a digest of the left value that a subscription was made for, nothing of a deleted row: a response for
 * another value than the row has by then is out of date, and the one for that value is on its way.
 */

/** What the right side does with a subscription, and when it answers. */
export type SubscriptionOrder = 'unsubscribe' | 'unsubscribe-and-answer' | 'answer' | 'answer-if-there';

const ORDERS: readonly SubscriptionOrder[] = ['unsubscribe', 'unsubscribe-and-answer', 'answer', 'answer-if-there'];

export interface Subscription {
  readonly order: SubscriptionOrder;
  /** Where answers go: the left table's topic may be partitioned in its own way. */
  readonly partition: number;
  readonly version: Buffer;
  readonly leftKey: Buffer;
}

export interface SubscriptionResponse {
  readonly version: Buffer;
  /** Null: there is no such row on the right. */
  readonly rightValue: Buffer | null;
}

/** What the right side keeps of a subscription, by foreign key and left key. */
export type KeptSubscription = Pick<Subscription, 'partition' | 'version'>;

export function encodeSubscription({ order, partition, version, leftKey }: Subscription): Buffer {
  return Buffer.concat([Buffer.from([ORDERS.indexOf(order)]), encodeKept({ partition, version }), leftKey]);
}

/** undefined: the bytes are something else. */
export function decodeSubscription(bytes: Buffer): Subscription | undefined {
  const order = ORDERS[bytes[0] ?? ORDERS.length];
  const versionEnd = 6 + (bytes[5] ?? 0);
  if (order === undefined || bytes.length < versionEnd) return undefined;
  return {
    order,
    partition: bytes.readUInt32BE(1),
    version: bytes.subarray(6, versionEnd),
    leftKey: bytes.subarray(versionEnd),
  };
}

export function encodeResponse({ version, rightValue }: SubscriptionResponse): Buffer {
  const head = [Buffer.from([version.length]), version, Buffer.from([rightValue === null ? 0 : 1])];
  return Buffer.concat(rightValue === null ? head : [...head, rightValue]);
}

/** undefined: the bytes are something else. */
export function decodeResponse(bytes: Buffer): SubscriptionResponse | undefined {
  const end = 1 + (bytes[0] ?? 0);
  if (bytes.length <= end) return undefined;
  return { version: bytes.subarray(1, end), rightValue: bytes[end] === 0 ? null : bytes.subarray(end + 1) };
}

export function encodeKept({ partition, version }: KeptSubscription): Buffer {
  const bytes = Buffer.allocUnsafe(5 + version.length);
  bytes.writeUInt32BE(partition);
  bytes[4] = version.length;
  version.copy(bytes, 5);
  return bytes;
}

export function decodeKept(bytes: Buffer): KeptSubscription {
  return { partition: bytes.readUInt32BE(), version: Buffer.from(bytes.subarray(5)) };
}

/** What all subscriptions to a foreign key begin with. Its length first: none is the beginning of another. */
export function subscriptionPrefix(foreignKey: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(foreignKey.length);
  return Buffer.concat([length, foreignKey]);
}
