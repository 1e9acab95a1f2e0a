import kafkajs from '#kafkajs';
import type { Logger } from '../logger.ts';
import type { StepsThatWait } from '../long-waits.ts';
import { messageOf, StreamsError } from '../errors.ts';
import { asBrokerLimit } from '../kafka/broker-limits.ts';
import { COORDINATOR_OF_GROUP, type GroupMemberInfo } from '../kafka/broker.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { asAccessDenied, CODE, hasCode, isBrokerAway } from '../kafka/kafka-errors.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** `topic` to its partitions. */
export type PartitionAssignment = Readonly<Record<string, number[]>>;

/** What the leader decides for one member: partitions, and what only the assignor's own kind understands. */
export interface MemberShare {
  readonly partitions: PartitionAssignment;
  readonly userData: Buffer;
}

interface GroupMemberOptions {
  readonly groupId: string;
  /**
   * Static membership (KIP-345): who joins again under this id within the session time-out gets its old assignment back
   * without a rebalance, as a process does that was killed and restarted.
   */
  readonly groupInstanceId: string;
  readonly topics: readonly string[];
  /** Names the assignor; all members of a group must agree on it. */
  readonly protocolName: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Fresh with every join: what the assignor may know of this member. */
  readonly userData: () => Buffer;
  /** Runs on the leader: everybody's user data to everybody's partitions. */
  readonly assign: (members: readonly { memberId: string; userData: Buffer | null }[]) => Map<string, MemberShare>;
  /** Awaited before this member joins again: the last chance to commit before others get the tasks. */
  readonly beforeRejoin: () => Promise<void>;
  readonly onAssigned: (share: MemberShare) => void;
  /** The group has gone on without this member: others may have its tasks already. */
  readonly onLost: () => void;
  readonly onFatal: (error: StreamsError) => void;
  /** Why the group cannot be asked right now, and null when it can again. */
  readonly onAway: (reason: string | null) => void;
  /** Says what it waits for. */
  readonly waiting: StepsThatWait;
}

/**
 * A coordinator that has just loaded an older state may deny a member once; two processes under one name deny each
 * other for ever.
 */
const MOST_FENCES = 3;
const FENCES_WITHIN_MS = 60_000;
/** Of the first heartbeat after a join; each further one comes after twice the time, up to the interval. */
const FIRST_HEARTBEAT_MS = 30;
const RETRY_MS = 200;
const MAX_RETRY_MS = 1_000;
/** Others have come while it joined: the next join waits for them itself. */
const REJOIN_MS = 5;

/**
 * One member of the classic consumer group protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup). It holds membership
 * and nothing else: records are fetched elsewhere, so tasks that stay go on working while the group rebalances, and the
 * fence of each task's transactional id is what keeps two owners apart.
 */
export class GroupMember {
  readonly #cluster: KafkaCluster;
  readonly #options: GroupMemberOptions;
  readonly #logger: Logger;
  #memberId = '';
  #generationId = -1;
  #stopping = false;
  /** When others took this member's place, `performance.now()`. */
  #fencedAt: number[] = [];
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(cluster: KafkaCluster, logger: Logger, options: GroupMemberOptions) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#options = options;
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generationId(): number {
    return this.#generationId;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the heartbeats and, unless `stay`, leaves the group, so that others get its tasks at once. */
  async leave(stay = false): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    this.#options.waiting.end();
    if (!stay && this.#memberId !== '') {
      try {
        const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_GROUP, this.#options.groupId);
        const { groupId, groupInstanceId } = this.#options;
        await coordinator.leaveGroup({ groupId, groupInstanceId, memberId: this.#memberId });
      } catch {
        // The session times out instead.
      }
    }
    // A join under way ends when the connection closes; its response is not needed.
    void this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MS;
    while (!this.#stopping) {
      try {
        this.#options.waiting.step(`a place in the group ${this.#options.groupId}`);
        await this.#join();
        this.#options.waiting.end();
        retryMs = RETRY_MS;
        await this.#heartbeats();
      } catch (error) {
        if (this.#stopping) return;
        this.#cluster.forgetCoordinator(COORDINATOR_OF_GROUP, this.#options.groupId);
        if (hasCode(error, CODE.UNKNOWN_MEMBER_ID, CODE.ILLEGAL_GENERATION, CODE.FENCED_INSTANCE_ID)) {
          const { groupId, groupInstanceId } = this.#options;
          const fenced = hasCode(error, CODE.FENCED_INSTANCE_ID);
          this.#logger.warn(
            { groupId, memberId: this.#memberId, groupInstanceId },
            fenced
              ? 'another process joined the group under the name of this member; joining anew'
              : 'the group went on without this member; joining anew',
          );
          this.#memberId = '';
          this.#generationId = -1;
          this.#options.onLost();
          if (fenced && this.#fencedTooOften()) {
            this.#options.onFatal(
              new StreamsError(
                'INSTANCE_ID_IN_USE',
                `another process is in the group ${groupId} as ${groupInstanceId}, the name of this one: both ` +
                  `have the process id of one slot of the state directory, which was copied, or lies on a disk ` +
                  `whose locks do not hold between machines. Give each process a state directory (stateDir) of ` +
                  `its own; in a copy delete process.sqlite of each slot before the start`,
                { settings: ['stateDir'], cause: error },
              ),
            );
            return;
          }
        } else if (!hasCode(error, CODE.REBALANCE_IN_PROGRESS, CODE.MEMBER_ID_REQUIRED) && !isBrokerAway(error)) {
          const known =
            error instanceof StreamsError ? error : asAccessDenied(error, `joining the group ${this.#options.groupId}`);
          const why = known ?? (await asBrokerLimit(error, this.#cluster, this.#options));
          this.#options.onFatal(
            why ??
              new StreamsError(
                'THREAD_FAILED',
                `the group ${this.#options.groupId} refused this member: ${messageOf(error)}`,
                { cause: error },
              ),
          );
          return;
        } else {
          this.#logger.debug({ error: messageOf(error) }, 'group request failed');
          this.#options.waiting.unanswered(error);
          if (isBrokerAway(error)) {
            this.#options.onAway(messageOf(error));
            await this.#cluster.refresh().catch(() => undefined);
          }
        }
        if (hasCode(error, CODE.REBALANCE_IN_PROGRESS)) {
          await this.#sleep(REJOIN_MS);
          continue;
        }
        await this.#sleep(retryMs);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  }

  #fencedTooOften(): boolean {
    const now = performance.now();
    this.#fencedAt = [...this.#fencedAt.filter((at) => now - at < FENCES_WITHIN_MS), now];
    return this.#fencedAt.length >= MOST_FENCES;
  }

  async #join(): Promise<void> {
    const { groupId, groupInstanceId, topics, protocolName, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    await this.#cluster.track(topics);
    const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_GROUP, groupId);
    // The brokers answer: from here on it waits for the other members.
    this.#options.waiting.unanswered(undefined);
    const joined = await coordinator.joinGroup({
      groupId,
      groupInstanceId,
      memberId: this.#memberId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      groupProtocols: [
        {
          name: protocolName,
          metadata: MemberMetadata.encode({ version: 1, topics: [...topics], userData: this.#options.userData() }),
        },
      ],
    });
    this.#memberId = joined.memberId;
    const isLeader = joined.leaderId === joined.memberId;
    if (isLeader) await this.#cluster.refresh();
    const leaderCoordinator = isLeader ? await this.#cluster.coordinator(COORDINATOR_OF_GROUP, groupId) : coordinator;
    const synced = await leaderCoordinator.syncGroup({
      groupId,
      groupInstanceId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: isLeader ? this.#assign(joined.members) : [],
    });
    this.#generationId = joined.generationId;
    const decoded = this.#decodeAssignment(synced.memberAssignment, joined.leaderId);
    const share: MemberShare = {
      partitions: decoded?.assignment ?? {},
      userData: decoded?.userData ?? Buffer.alloc(0),
    };
    this.#options.onAway(null);
    this.#logger.info(
      { groupId, generation: joined.generationId, isLeader, assignment: share.partitions },
      'joined the group',
    );
    if (!this.#stopping) this.#options.onAssigned(share);
  }

  /** Null for a member whose bytes cannot be read: it is given tasks as one that has nothing on its disk. */
  #userDataOf(memberId: string, metadata: Buffer): Buffer | null {
    try {
      return MemberMetadata.decode(metadata)?.userData ?? null;
    } catch (error) {
      this.#logger.warn(
        { groupId: this.#options.groupId, memberId, error: messageOf(error) },
        'what a member of the group says of itself cannot be read: does something else join this group?',
      );
      return null;
    }
  }

  /** @throws StreamsError THREAD_FAILED naming the leader that wrote what cannot be read. */
  #decodeAssignment(bytes: Buffer, leaderId: string): ReturnType<typeof MemberAssignment.decode> {
    if (bytes.length === 0) return null;
    try {
      const decoded = MemberAssignment.decode(bytes);
      const partitions: unknown[] = Object.values(decoded?.assignment ?? {}).flat();
      if (partitions.every((partition) => Number.isSafeInteger(partition) && (partition as number) >= 0))
        return decoded;
      throw new RangeError('a partition below 0');
    } catch (error) {
      throw new StreamsError(
        'THREAD_FAILED',
        `the assignment that the leader ${leaderId} of the group ${this.#options.groupId} has sent cannot be ` +
          `read (${messageOf(error)}): something other than this application joins its group. Stop it, or use ` +
          `another application id`,
        { cause: error },
      );
    }
  }

  #assign(members: readonly GroupMemberInfo[]): { memberId: string; memberAssignment: Buffer }[] {
    const infos = members.map(({ memberId, memberMetadata }) => ({
      memberId,
      userData: this.#userDataOf(memberId, memberMetadata),
    }));
    const assigned = this.#options.assign(infos);
    return members.map(({ memberId }) => {
      const share = assigned.get(memberId);
      return {
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 1,
          assignment: { ...share?.partitions },
          userData: share?.userData ?? Buffer.alloc(0),
        }),
      };
    });
  }

  /** Returns when the group rebalances, after `beforeRejoin`. @throws when membership is lost or the broker is away. */
  async #heartbeats(): Promise<void> {
    const { groupId, groupInstanceId, heartbeatIntervalMs } = this.#options;
    // Members seldom come alone: until this one notices, the next ones have nothing, and it begins their work, too.
    let sleepMs = Math.min(FIRST_HEARTBEAT_MS, heartbeatIntervalMs);
    while (!this.#stopping) {
      await this.#sleep(sleepMs);
      sleepMs = Math.min(2 * sleepMs, heartbeatIntervalMs);
      if (this.#stopping) return;
      try {
        const coordinator = await this.#cluster.coordinator(COORDINATOR_OF_GROUP, groupId);
        await coordinator.heartbeat({
          groupId,
          groupInstanceId,
          groupGenerationId: this.#generationId,
          memberId: this.#memberId,
        });
      } catch (error) {
        if (!hasCode(error, CODE.REBALANCE_IN_PROGRESS)) throw error;
        this.#logger.info({ groupId }, 'the group rebalances');
        await this.#options.beforeRejoin();
        return;
      }
    }
  }

  #sleep(ms: number): Promise<void> {
    if (this.#stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
