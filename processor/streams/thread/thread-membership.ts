import { GroupMember, type MemberShare } from '../group/group-member.ts';
import { placeTasks } from '../group/partition-assignor.ts';
import {
  decodeAssignmentInfo,
  decodeSubscriptionInfo,
  encodeAssignmentInfo,
  encodeSubscriptionInfo,
} from '../group/subscription-info.ts';
import { ownersIn, type TaskOwners } from '../group/task-owners.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import type { Logger } from '../logger.ts';
import type { StepsThatWait } from '../long-waits.ts';
import type { ThreadInit } from '../streams-config.ts';
import { crashPoint } from '../task/crash-point.ts';
import { FenceGate } from '../task/fence-gate.ts';
import type { TaskId } from '../task/task-id.ts';
import type { TaskLayout } from '../task/task-layout.ts';
import type { Membership } from '../writing/plain-producer.ts';

/** Names the assignor: all members of a group must have the same. */
const PROTOCOL_NAME = 'tributary';
const MAX_REJOIN_WAIT_MS = 3_000;

interface ThreadMembershipOptions {
  readonly init: ThreadInit;
  readonly layout: TaskLayout;
  readonly logger: Logger;
  /** The tasks that this thread has, and the stores that lie in its process's state directory. */
  readonly held: () => {
    readonly active: readonly TaskId[];
    readonly standby: readonly TaskId[];
    readonly stores: readonly TaskId[];
  };
  /** Commits what is done, before others may be given the tasks. Resolves after `timeoutMs` at the latest. */
  readonly commitSoon: (timeoutMs: number) => Promise<void>;
  /** There is an assignment, or the membership is lost: the loop must act on it. */
  readonly onChange: () => void;
  readonly onFatal: (error: unknown) => void;
  /** Says what the member of the group waits for. */
  readonly waiting: StepsThatWait;
}

/** An assignment of this thread's, decoded. */
export interface ThreadAssignment {
  readonly partitions: MemberShare['partitions'];
  readonly standby: readonly TaskId[];
  /** Of all tasks with stores; undefined when the leader does not tell. */
  readonly owners: TaskOwners | undefined;
}

/**
 * A thread's membership of the group, as its loop needs it: a new assignment, whether the tasks may be another owner's
 * already, and when the thread may fence.
 */
export class ThreadMembership {
  /** Closed from the moment that a rebalance is known of until the new assignment is adopted. */
  readonly fences = new FenceGate();
  readonly #options: ThreadMembershipOptions;
  readonly #member: GroupMember;
  #assignment: MemberShare | undefined;
  #lost = false;
  #settled = false;
  #rejoining = false;
  #current: Membership = { memberId: '', generationId: -1 };
  #away: string | null = null;

  constructor(cluster: KafkaCluster, options: ThreadMembershipOptions) {
    this.#options = options;
    const { init, layout, logger, held, onChange, onFatal, waiting } = options;
    const { config } = init;
    this.#member = new GroupMember(cluster, logger, {
      groupId: config.applicationId,
      // mutant: static-member
      groupInstanceId: init.groupInstanceId,
      topics: layout.sourceTopics(),
      protocolName: PROTOCOL_NAME,
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: config.rebalanceTimeoutMs,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      userData: () => encodeSubscriptionInfo({ processId: init.processId, ...held() }),
      assign: (members) => this.#assign(members),
      beforeRejoin: () => this.#beforeRejoin(),
      onAssigned: (share) => {
        crashPoint('inRebalance');
        this.#assignment = share;
        this.#rejoining = false;
        this.#settled = true;
        onChange();
      },
      onLost: () => {
        this.#lost = true;
        this.#assignment = undefined;
        this.#rejoining = true;
        void this.fences.close(0);
        this.#settled = false;
        onChange();
      },
      onFatal,
      waiting,
      onAway: (reason) => {
        this.#away = reason;
      },
    });
  }

  /** Why the group cannot be asked right now; null when it can. */
  get awayReason(): string | null {
    return this.#away;
  }

  /** The generation whose assignment this thread works on: what at_least_once commits by. */
  get current(): Membership {
    return this.#current;
  }

  /** A rebalance is under way, and the new assignment is not known yet. */
  get rejoining(): boolean {
    return this.#rejoining;
  }

  /** The thread has an assignment, and has adopted it. */
  get settled(): boolean {
    return this.#settled && this.#assignment === undefined;
  }

  /** There is an assignment, or a loss, that the loop has not adopted. */
  get changed(): boolean {
    return this.#lost || this.#assignment !== undefined;
  }

  start(): void {
    this.#member.start();
  }

  async leave(): Promise<void> {
    await this.#member.leave();
  }

  /** True once after the membership was lost: the tasks may be another owner's. */
  consumeLoss(): boolean {
    const lost = this.#lost;
    this.#lost = false;
    return lost;
  }

  /**
   * Gives an assignment that is new to `adopt`. When that has made it this thread's own, and no newer one has come
   * meanwhile, the thread may fence again.
   */
  async adoptAssignment(adopt: (assignment: ThreadAssignment) => Promise<void>): Promise<void> {
    const assignment = this.#assignment;
    if (assignment === undefined) return;
    const { memberId, generationId } = this.#member;
    const { standby, owners } = decodeAssignmentInfo(assignment.userData);
    await adopt({ partitions: assignment.partitions, standby, owners });
    if (this.#assignment !== assignment) return;
    this.#assignment = undefined;
    this.#current = { memberId, generationId };
    if (!this.#rejoining) this.fences.open();
  }

  async #beforeRejoin(): Promise<void> {
    this.#rejoining = true;
    // No heartbeat is sent meanwhile: a wait as long as the session would cost the membership.
    const waitMs = Math.min(MAX_REJOIN_WAIT_MS, this.#options.init.config.sessionTimeoutMs / 3);
    await Promise.all([this.#options.commitSoon(waitMs), this.fences.close(waitMs)]);
  }

  /** Runs on the leader of the group: places the tasks of the application on its members. */
  #assign(members: readonly { memberId: string; userData: Buffer | null }[]): Map<string, MemberShare> {
    const { init, layout } = this.#options;
    const tasks = layout.taskIds();
    const known = members.map(({ memberId, userData }) => ({ memberId, info: decodeSubscriptionInfo(userData) }));
    const stateful = tasks.filter((id) => layout.storesOf(id).length > 0);
    const placed = placeTasks(tasks, known, { stateful, numStandbyReplicas: init.config.numStandbyReplicas });
    const owners = ownersIn(
      placed,
      new Map(known.map(({ memberId, info }) => [memberId, info?.processId ?? memberId])),
      stateful,
    );
    return new Map(
      [...placed].map(([memberId, { active, standby }]) => [
        memberId,
        { partitions: layout.assignmentOf(active), userData: encodeAssignmentInfo({ standby, owners }) },
      ]),
    );
  }
}
