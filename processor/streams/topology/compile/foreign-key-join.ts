import { createHash } from 'node:crypto';
import type { LiveKeyValueStore } from '../../store/typed-store.ts';
import {
  decodeResponse,
  decodeSubscription,
  encodeResponse,
  encodeSubscription,
  subscriptionPrefix,
  type KeptSubscription,
  type SubscriptionOrder,
} from '../foreign-key-message.ts';
import type { ForeignJoinNode, ForeignRespondNode, ForeignSubscribeNode } from '../graph.ts';
import { encodeRoutedValue } from '../repartition-record.ts';
import type { Serde } from '../serdes.ts';
import { UnreadableValueError } from '../stored-value.ts';
import type { ChangeEmit, Emit, TableRow, TableView, TaskRuntime } from '../task-runtime.ts';
import { failedAt, isNoKey, keyBytesOf, serialized, settled } from '../user-code.ts';

/*
 * A foreign-key join, as Kafka Streams does it. The left side subscribes each of its rows to the row of the right side
 * that it refers to; the right side keeps the subscriptions and answers, at once and whenever its row changes; the left
 * side joins an answer with its row if that still has the value which the subscription was made for.
 */

const VERSION_BYTES = 16;
const NO_ROW = Buffer.alloc(0);

/** Of a left value; equal values have equal ones. */
function versionOf(serde: Serde<unknown>, value: unknown): Buffer {
  if (value === null || value === undefined) return NO_ROW;
  return createHash('sha256')
    .update(serialized(serde.serialize(value)))
    .digest()
    .subarray(0, VERSION_BYTES);
}

/** The bytes of the key that a left row refers to; undefined: it refers to none. */
function foreignKeyOf(
  node: ForeignSubscribeNode | ForeignJoinNode,
): (key: unknown, value: unknown) => Buffer | undefined {
  const select = node.foreignKey as (value: unknown, key: unknown) => unknown;
  return (key, value) => {
    if (value === null || value === undefined) return undefined;
    const selected = settled(select(value, key));
    return isNoKey(selected) ? undefined : keyBytesOf(node.foreign, selected);
  };
}

/** The left side: changed rows become subscriptions. */
export function compileForeignSubscribe(node: ForeignSubscribeNode, runtime: TaskRuntime): ChangeEmit {
  const { name, grouping, route, joins, key: keys, left } = node;
  const foreignKey = foreignKeyOf(node);
  return ({ key, value, timestampMs, before, isOutOfOrder }) => {
    if (isOutOfOrder === true) return;
    try {
      const was = foreignKey(key, before()?.value);
      const is = foreignKey(key, value);
      const leftKey = keyBytesOf(keys, key);
      const version = versionOf(left, value);
      const send = (to: Buffer, order: SubscriptionOrder): void =>
        runtime.sendRouted(grouping, {
          key: to,
          value: encodeRoutedValue({
            route,
            timestampMs,
            value: encodeSubscription({ order, partition: runtime.partition, version, leftKey }),
          }),
          headers: runtime.headers(),
        });
      const moves = was !== undefined && (is === undefined || !was.equals(is));
      if (joins === 'inner' && is === undefined) {
        if (value !== null) runtime.drop('null-key');
        if (was !== undefined) send(was, 'unsubscribe-and-answer');
        return;
      }
      // mutant: unsubscribe
      if (moves) send(was, 'unsubscribe');
      // Of an inner join that moves: nobody knows whether there was a result, so that it has to go.
      if (is !== undefined) send(is, joins === 'left' || moves ? 'answer' : 'answer-if-there');
    } catch (error) {
      throw failedAt(name, error);
    }
  };
}

/** The right side's functions: for what arrives of the left side, and for its own changed rows. */
export interface ForeignRespond {
  readonly subscribe: Emit;
  readonly changed: ChangeEmit;
}

export function compileForeignRespond(
  node: ForeignRespondNode,
  runtime: TaskRuntime,
  right: TableView,
): ForeignRespond {
  const { name, grouping, route, foreign, right: values, store } = node;
  const kept = runtime.keyValueStore(store.name) as LiveKeyValueStore<Buffer, KeptSubscription>;
  const answer = (leftKey: Buffer, to: KeptSubscription, rightValue: Buffer | null, timestampMs: number): void =>
    runtime.sendRouted(grouping, {
      key: leftKey,
      value: encodeRoutedValue({
        route,
        timestampMs,
        value: encodeResponse({ version: to.version, rightValue }),
      }),
      headers: runtime.headers(),
      partition: to.partition,
    });
  const bytesOf = (value: unknown): Buffer => serialized(values.serialize(value));
  return {
    subscribe: (key, bytes, at) => {
      try {
        const subscription = decodeSubscription(bytes as Buffer);
        if (subscription === undefined) throw new UnreadableValueError('it is no subscription of a foreign-key join');
        const { order, partition, version } = subscription;
        // The bytes are those of the record that was fetched.
        const leftKey = Buffer.from(subscription.leftKey);
        const place = Buffer.concat([subscriptionPrefix(keyBytesOf(foreign, key)), leftKey]);
        if (order === 'unsubscribe' || order === 'unsubscribe-and-answer') kept.delete(place);
        else kept.put(place, { partition, version: Buffer.from(version) });
        if (order === 'unsubscribe') return;
        const row = right.row(key);
        if (row === undefined && order === 'answer-if-there') return;
        const value = row === undefined || order === 'unsubscribe-and-answer' ? null : bytesOf(row.value);
        answer(leftKey, { partition, version }, value, Math.max(at, row?.timestampMs ?? -1));
      } catch (error) {
        throw failedAt(name, error);
      }
    },
    changed: ({ key, value, timestampMs, isOutOfOrder }) => {
      if (isOutOfOrder === true) return;
      try {
        const prefix = subscriptionPrefix(keyBytesOf(foreign, key));
        const rightValue = value === null ? null : bytesOf(value);
        for (const [place, to] of kept.prefix(prefix))
          answer(place.subarray(prefix.length), to, rightValue, timestampMs);
      } catch (error) {
        throw failedAt(name, error);
      }
    },
  };
}

/** The left side's functions: for answers, and for changed rows that refer to nothing. */
export interface ForeignJoin {
  readonly answered: Emit;
  readonly changed: ChangeEmit;
}

export function compileForeignJoin(
  node: ForeignJoinNode,
  left: TableView,
  keep: (key: unknown, value: unknown, timestampMs: number) => void,
): ForeignJoin {
  const { name, joins, left: leftValues, right: rightValues } = node;
  const join = node.joiner as (left: unknown, right: unknown, key: unknown) => unknown;
  const foreignKey = foreignKeyOf(node);
  const joined = (row: unknown, right: unknown, key: unknown): unknown => settled(join(row, right, key)) ?? null;
  return {
    answered: (key, bytes, at) => {
      try {
        const response = decodeResponse(bytes as Buffer);
        if (response === undefined) throw new UnreadableValueError('it is no response of a foreign-key join');
        const row: TableRow | undefined = left.row(key);
        // mutant: stale-answers
        if (!response.version.equals(versionOf(leftValues, row?.value))) return;
        const { rightValue } = response;
        if (row === undefined || (rightValue === null && joins === 'inner')) return keep(key, null, at);
        const right = rightValue === null ? null : settled(rightValues.deserialize(Buffer.from(rightValue)));
        keep(key, joined(row.value, right, key), at);
      } catch (error) {
        throw failedAt(name, error);
      }
    },
    changed: ({ key, value, timestampMs, before, isOutOfOrder }) => {
      if (joins === 'inner' || isOutOfOrder === true) return;
      try {
        if (value === null ? before() === undefined : foreignKey(key, value) !== undefined) return;
        keep(key, value === null ? null : joined(value, null, key), timestampMs);
      } catch (error) {
        throw failedAt(name, error);
      }
    },
  };
}
