import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { CODE } from '../kafka/kafka-errors.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { UNHEARD } from '../long-waits.ts';
import { GroupMember } from './group-member.ts';

const HEARTBEAT_MS = 700;

let heartbeatsAt: number[];
let joins: number;
let assigned: number;

function member({ refusedSyncs = 0 } = {}): GroupMember {
  const coordinator = {
    joinGroup: async () => {
      joins += 1;
      return { memberId: 'me', leaderId: 'other', generationId: joins, members: [] };
    },
    syncGroup: async () => {
      if (joins <= refusedSyncs)
        throw Object.assign(new Error('the group rebalances'), { code: CODE.REBALANCE_IN_PROGRESS });
      return { memberAssignment: Buffer.alloc(0) };
    },
    heartbeat: async () => void heartbeatsAt.push(performance.now()),
  };
  const cluster = {
    track: async () => undefined,
    coordinator: async () => coordinator,
    forgetCoordinator: () => undefined,
  } as unknown as KafkaCluster;
  return new GroupMember(cluster, quietLogger, {
    groupId: 'g',
    groupInstanceId: 'i',
    topics: ['t'],
    protocolName: 'p',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    heartbeatIntervalMs: HEARTBEAT_MS,
    userData: () => Buffer.alloc(0),
    assign: () => new Map(),
    beforeRejoin: async () => undefined,
    onAssigned: () => void (assigned += 1),
    onLost: () => undefined,
    onFatal: () => undefined,
    onAway: () => undefined,
    waiting: UNHEARD,
  });
}

beforeEach(() => {
  heartbeatsAt = [];
  joins = 0;
  assigned = 0;
  jest.useFakeTimers();
});
afterEach(() => void jest.useRealTimers());

test('asks soon after it has joined whether others have come, and then at its interval', async () => {
  const startedAt = performance.now();
  const one = member();
  one.start();
  await jest.advanceTimersByTimeAsync(4 * HEARTBEAT_MS);
  const gaps = heartbeatsAt.map((at, nth) => at - (heartbeatsAt[nth - 1] ?? startedAt));
  expect(gaps[0]).toBeLessThan(HEARTBEAT_MS / 10);
  expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
  expect(gaps.at(-1)).toBe(HEARTBEAT_MS);
  await one.leave(true);
});

test('joins again at once when others have come while it joined: the next join waits for them', async () => {
  const one = member({ refusedSyncs: 3 });
  one.start();
  await jest.advanceTimersByTimeAsync(HEARTBEAT_MS / 10);
  expect({ joins, assigned }).toEqual({ joins: 4, assigned: 1 });
  await one.leave(true);
});
