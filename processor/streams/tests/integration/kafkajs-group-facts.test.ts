import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AssignerProtocol, Kafka, logLevel, type Admin, type Consumer, type ConsumerConfig } from 'kafkajs';
import type { Broker } from '../../kafka/broker.ts';
import { CODE } from '../../kafka/kafka-errors.ts';
import { sharedBroker, type SharedBroker } from '../../../../tests/support/shared-broker.ts';
import { codeOf, RawKafka } from '../support/raw-kafka.ts';
import { until, stays } from '../../../../tests/support/until.ts';

/* Facts about consumer groups, and what kafkajs' own consumer does with our patch on a real broker. */

let broker: SharedBroker;
let raw: RawKafka;
const opened: RawKafka[] = [];
const consumers: Consumer[] = [];

beforeAll(async () => {
  broker = await sharedBroker();
  raw = await RawKafka.open(broker.connection);
});
afterAll(async () => {
  await Promise.allSettled(consumers.map((consumer) => consumer.disconnect()));
  await Promise.all([raw, ...opened].map((it) => it.close()));
  await broker.leave();
});

interface StaticIdentity {
  groupInstanceId?: string;
}
/** The group requests, with what our patch lets them carry. */
interface GroupBroker {
  joinGroup(request: Parameters<Broker['joinGroup']>[0] & StaticIdentity): ReturnType<Broker['joinGroup']>;
  syncGroup(request: Parameters<Broker['syncGroup']>[0] & StaticIdentity): ReturnType<Broker['syncGroup']>;
  heartbeat(request: Parameters<Broker['heartbeat']>[0] & StaticIdentity): Promise<unknown>;
  leaveGroup(request: Parameters<Broker['leaveGroup']>[0] & StaticIdentity): Promise<unknown>;
}
type Joined = Awaited<ReturnType<Broker['joinGroup']>>;

/** A member that does nothing by itself. Each has a connection of its own: a broker answers one connection in order. */
class Member {
  readonly #coordinator: GroupBroker & Broker;
  readonly #groupId: string;
  readonly #instance: StaticIdentity;
  joined: Joined = { generationId: -1, leaderId: '', memberId: '', groupProtocol: '', members: [] };

  constructor(coordinator: Broker, groupId: string, groupInstanceId?: string) {
    this.#coordinator = coordinator;
    this.#groupId = groupId;
    this.#instance = groupInstanceId === undefined ? {} : { groupInstanceId };
  }

  static async of(groupId: string, groupInstanceId?: string): Promise<Member> {
    const connection = await RawKafka.open(broker.connection, `member-${opened.length}`);
    opened.push(connection);
    return new Member(await connection.groupCoordinator(groupId), groupId, groupInstanceId);
  }

  async join(userData: string): Promise<Joined> {
    const metadata = AssignerProtocol.MemberMetadata.encode({
      version: 1,
      topics: ['t'],
      userData: Buffer.from(userData),
    });
    this.joined = await this.#coordinator.joinGroup({
      groupId: this.#groupId,
      memberId: this.joined.memberId,
      sessionTimeout: 10_000,
      rebalanceTimeout: 10_000,
      groupProtocols: [{ name: 'p', metadata }],
      ...this.#instance,
    });
    return this.joined;
  }

  get isLeader(): boolean {
    return this.joined.leaderId === this.joined.memberId;
  }

  async sync(assignments: Readonly<Record<string, string>> = {}): Promise<string> {
    const { memberAssignment } = await this.#coordinator.syncGroup({
      groupId: this.#groupId,
      generationId: this.joined.generationId,
      memberId: this.joined.memberId,
      groupAssignment: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        memberAssignment: Buffer.from(text),
      })),
      ...this.#instance,
    });
    return memberAssignment.toString();
  }

  heartbeat(): Promise<unknown> {
    const { memberId, generationId } = this.joined;
    return this.#coordinator.heartbeat({
      groupId: this.#groupId,
      groupGenerationId: generationId,
      memberId,
      ...this.#instance,
    });
  }

  leave(): Promise<unknown> {
    return this.#coordinator.leaveGroup({ groupId: this.#groupId, memberId: this.joined.memberId, ...this.#instance });
  }

  commitOffset(topic: string, offset: number): Promise<unknown> {
    const { memberId, generationId } = this.joined;
    const topics = [{ topic, partitions: [{ partition: 0, offset: String(offset) }] }];
    return this.#coordinator.offsetCommit({
      groupId: this.#groupId,
      groupGenerationId: generationId,
      memberId,
      topics,
    });
  }
}

const userDataOf = (joined: Joined): Record<string, string> =>
  Object.fromEntries(
    joined.members.map((it) => [
      it.memberId,
      String(AssignerProtocol.MemberMetadata.decode(it.memberMetadata)?.userData),
    ]),
  );

/** Two members in one generation: [leader, other]. */
const pair = async (first: Member, second: Member): Promise<[Member, Member]> => {
  await first.join('one');
  await first.sync({ [first.joined.memberId]: 'alone' });
  const joining = second.join('two');
  await until(async () => (await codeOf(first.heartbeat())) === CODE.REBALANCE_IN_PROGRESS, 'the group rebalances');
  await Promise.all([first.join('one again'), joining]);
  const [leader, other] = first.isLeader ? [first, second] : [second, first];
  const synced = other.sync();
  await leader.sync({ [leader.joined.memberId]: 'for the leader', [other.joined.memberId]: 'for the other' });
  expect(await synced).toBe('for the other');
  return [leader, other];
};

describe('a dynamic member', () => {
  test('gives its user data to the leader, and only to him, afresh with every join', async () => {
    const [leader, other] = await pair(await Member.of('user-data'), await Member.of('user-data'));
    expect(Object.values(userDataOf(leader.joined)).toSorted()).toEqual(['one again', 'two']);
    expect(other.joined.members).toEqual([]);
    expect(leader.joined.generationId).toBe(other.joined.generationId);
  });

  test('that leaves makes the group rebalance at once', async () => {
    const [leader, other] = await pair(await Member.of('leaves'), await Member.of('leaves'));
    expect(await codeOf(leader.heartbeat())).toBe(0);
    await other.leave();
    expect(await codeOf(leader.heartbeat())).toBe(CODE.REBALANCE_IN_PROGRESS);
  });

  test('that waits to join holds up the other requests of its connection', async () => {
    const topic = 'held-up';
    await broker.createTopics(topic);
    const first = await Member.of(topic);
    await first.join('one');
    await first.sync({ [first.joined.memberId]: 'alone' });
    const connection = await RawKafka.open(broker.connection, 'joiner');
    opened.push(connection);
    await connection.range(topic);
    const joining = new Member(await connection.groupCoordinator(topic), topic).join('two');
    await until(async () => (await codeOf(first.heartbeat())) === CODE.REBALANCE_IN_PROGRESS, 'the group rebalances');
    let answered = false;
    const asked = connection.range(topic).then(() => {
      answered = true;
    });
    await stays(() => !answered, 'the other request is not answered', 1_000);
    await first.join('one again');
    await Promise.all([joining, asked]);
  });

  test('of an older generation is refused', async () => {
    const member = await Member.of('generations');
    await member.join('x');
    await member.sync({ [member.joined.memberId]: 'x' });
    member.joined = { ...member.joined, generationId: member.joined.generationId - 1 };
    expect(await codeOf(member.heartbeat())).toBe(CODE.ILLEGAL_GENERATION);
    member.joined = { ...member.joined, memberId: 'nobody' };
    expect(await codeOf(member.heartbeat())).toBe(CODE.UNKNOWN_MEMBER_ID);
  });
});

describe('a static member', () => {
  test('that comes back has its place, its generation and its assignment, and nobody else notices', async () => {
    const first = await Member.of('static', 'instance-1');
    const second = await Member.of('static', 'instance-2');
    const [leader, other] = await pair(first, second);
    const returned = await Member.of('static', other === second ? 'instance-2' : 'instance-1');
    await returned.join(other === second ? 'two' : 'one again');
    expect(returned.joined.generationId).toBe(leader.joined.generationId);
    expect(returned.isLeader).toBe(false);
    expect(await returned.sync()).toBe('for the other');
    expect(await codeOf(returned.heartbeat())).toBe(0);
    expect(await codeOf(leader.heartbeat())).toBe(0);
    // The one who was replaced is told so, whatever he asks.
    expect(await codeOf(other.heartbeat())).toBe(CODE.FENCED_INSTANCE_ID);
  });

  test('that comes back with other user data is not noticed either: the leader does not see it', async () => {
    const [leader, other] = await pair(await Member.of('static-data', 'a'), await Member.of('static-data', 'b'));
    const otherInstance = userDataOf(leader.joined)[other.joined.memberId] === 'two' ? 'b' : 'a';
    const returned = await Member.of('static-data', otherInstance);
    await returned.join('news');
    expect(returned.joined.generationId).toBe(leader.joined.generationId);
    expect(await codeOf(leader.heartbeat())).toBe(0);
  });

  test('that leads and comes back is not told that he leads, and keeps his assignment', async () => {
    const [leader, other] = await pair(await Member.of('static-leader', 'a'), await Member.of('static-leader', 'b'));
    const leaderInstance = userDataOf(leader.joined)[leader.joined.memberId] === 'two' ? 'b' : 'a';
    const returned = await Member.of('static-leader', leaderInstance);
    await returned.join('again');
    expect(returned.joined.generationId).toBe(other.joined.generationId);
    expect(returned.isLeader).toBe(false);
    expect(await returned.sync()).toBe('for the leader');
  });

  test('may commit offsets with OffsetCommit v5, which cannot carry the instance id', async () => {
    await broker.createTopics('static-commit');
    const member = await Member.of('static-commit', 'a');
    await member.join('x');
    await member.sync({ [member.joined.memberId]: 'x' });
    expect(await codeOf(member.commitOffset('static-commit', 4))).toBe(0);
    expect(await raw.committed('static-commit', 'static-commit')).toBe(4);
  });
});

describe('group offsets', () => {
  test('TxnOffsetCommit v1 asks for no membership: an outsider commits into a live group', async () => {
    await broker.createTopics('outsider');
    const member = await Member.of('outsider');
    await member.join('x');
    await member.sync({ [member.joined.memberId]: 'x' });
    const outsider = await raw.init('outsider');
    await raw.addOffsets(outsider, 'outsider');
    await raw.commitOffsetInTransaction(outsider, 'outsider', 'outsider', 777);
    await raw.end(outsider, 'commit');
    await until(async () => (await raw.committed('outsider', 'outsider')) === 777, 'the offset is committed');
    expect(await codeOf(member.heartbeat())).toBe(0);
  });
});

const kafka = (): Kafka => new Kafka({ brokers: broker.brokers, clientId: 'consumer', logLevel: logLevel.NOTHING });

const newConsumer = (config: ConsumerConfig): Consumer => {
  const consumer = kafka().consumer({ maxWaitTimeInMs: 100, ...config });
  consumers.push(consumer);
  return consumer;
};

const withAdmin = async <T>(act: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = kafka().admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};

describe("kafkajs' own consumer", () => {
  test('stops at an offset out of range, names it, and leaves the group offset alone', async () => {
    const topic = 'out-of-range';
    await broker.createTopics(topic);
    await raw.produce(
      topic,
      Array.from({ length: 10 }, (_, i) => `${i}`),
    );
    await withAdmin(async (admin) => {
      await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition: 0, offset: '3' }] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    });
    const consumer = newConsumer({ groupId: topic });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const crash = new Promise<{ error: Error; restart: boolean }>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload));
    });
    const seen: string[] = [];
    await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => void seen.push(message.offset) });
    const { error, restart } = await crash;
    expect(error.message).toContain('Offset 3 of out-of-range-0 is out of range for group "out-of-range"');
    expect([restart, seen, await raw.committed(topic, topic)]).toEqual([false, [], 3]);
  });

  test('with a groupInstanceId comes back without a rebalance', async () => {
    const topic = 'static-consumer';
    await broker.createTopics({ topic, partitions: 2 });
    const start = async (groupInstanceId: string, groupId = topic) => {
      const consumer = newConsumer({ groupId, groupInstanceId, heartbeatInterval: 200, sessionTimeout: 10_000 });
      const joins: string[] = [];
      const joined = new Promise<void>((resolve) => {
        consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
          joins.push(JSON.stringify(payload.memberAssignment));
          resolve();
        });
      });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachMessage: async () => undefined });
      await joined;
      return { consumer, joins };
    };
    const remains = await start('stays');
    const goes = await start('goes');
    await until(
      () => remains.joins.length === 2,
      () => `it joined twice: ${remains.joins.join()}`,
    );
    await goes.consumer.disconnect();
    const back = await start('goes');
    expect(back.joins.at(-1)).toBe(goes.joins.at(-1));
    await stays(() => remains.joins.length === 2, 'the other one does not join again', 1_000);
  });
});
