import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { quietLogger } from '../../../tests/support/quiet-logger.ts';
import { UNHEARD } from '../long-waits.ts';
import { GroupMember } from './group-member.ts';

const HEARTBEAT_MS = 700;

let heartbeatsAt: number[];

function member(): GroupMember {
  const coordinator = {
    joinGroup: async () => ({ memberId: 'me', leaderId: 'other', generationId: 1, members: [] }),
    syncGroup: async () => ({ memberAssignment: Buffer.alloc(0) }),
    heartbeat: async () => void heartbeatsAt.push(performance.now()),
  };
  const cluster = { track: async () => undefined, coordinator: async () => coordinator } as unknown as KafkaCluster;
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
    onAssigned: () => undefined,
    onLost: () => undefined,
    onFatal: () => undefined,
    onAway: () => undefined,
    waiting: UNHEARD,
  });
}

beforeEach(() => {
  heartbeatsAt = [];
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
