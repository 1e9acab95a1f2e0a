import { messageOf, StreamsError } from '../errors.ts';
import { ownersOfTask, type TaskOwners } from '../group/task-owners.ts';
import { taskId } from '../task/task-id.ts';
import type { TaskLayout } from '../task/task-layout.ts';
import type { ChangelogGaps } from './changelog-gaps.ts';
import type { OwnerQuestion } from './owner-reads.ts';
import { faultOf, type OwnerReply } from './query-messages.ts';
import type { AskedThreads } from './store-queries.ts';
import type { OwnedRead, StoreAnswer } from './store-question.ts';

/** So long a commit is waited for before the changelog is looked at: it may hold nothing that the rows have not. */
const COMMIT_WAIT_MS = 50;

interface OwnerAnswersOptions {
  readonly layout: TaskLayout;
  readonly threads: Pick<AskedThreads, 'askOwner'>;
  /** As of the last rebalance. */
  readonly owners: () => TaskOwners | undefined;
  readonly gaps: Pick<ChangelogGaps, 'isEmpty'>;
}

/** Answers what other processes ask about the stores of this instance. */
export class OwnerAnswers {
  readonly #options: OwnerAnswersOptions;
  readonly #subTopologyOf = new Map<string, number>();

  constructor(options: OwnerAnswersOptions) {
    this.#options = options;
    for (const { id, stores } of options.layout.topology.subTopologies)
      for (const { name } of stores) this.#subTopologyOf.set(name, id);
  }

  /** `waitMs`: at most so long for `minPosition`. Does not throw. */
  async answer(question: OwnerQuestion, waitMs: number): Promise<OwnerReply> {
    try {
      const fault = faultOf(question);
      if (fault !== undefined) return failed(fault);
      return await this.#answer(question, waitMs);
    } catch (error) {
      return failed(error instanceof StreamsError ? error : new StreamsError('STORE_NOT_HERE', messageOf(error)));
    }
  }

  async #answer(question: OwnerQuestion, waitMs: number): Promise<OwnerReply> {
    const { store, partition, allowStale, minPosition = 0, read } = question;
    const { layout, threads, gaps } = this.#options;
    const subTopology = this.#subTopologyOf.get(store);
    if (subTopology === undefined)
      return failed(new StreamsError('CONFIG_INVALID', `the application has no store "${store}" with tasks`));
    const id = taskId(subTopology, partition);
    if (!layout.taskIds().includes(id))
      return failed(new StreamsError('CONFIG_INVALID', `the store "${store}" has no partition ${String(partition)}`));
    const changelog = layout.changelogsOf(id).find((one) => one.store === store);
    if (changelog === undefined)
      return failed(new StreamsError('CONFIG_INVALID', `the store "${store}" has no changelog to read it by`));

    const ask = (wait: number, gap?: OwnedRead['gap']): Promise<StoreAnswer> =>
      threads.askOwner({
        kind: 'owned',
        taskId: id,
        store,
        stale: allowStale,
        read,
        minPosition,
        waitMs: wait,
        ...(gap === undefined ? {} : { gap }),
      });
    const untilMs = performance.now() + waitMs;
    let pauseMs = COMMIT_WAIT_MS;
    let answer = await ask(Math.min(waitMs, pauseMs));
    while (answer.kind === 'behind' && performance.now() < untilMs) {
      // Its own commit's marker, and what was aborted, stand in the changelog and never come to the rows.
      const gap = [answer.position, minPosition] as const;
      const isEmpty = await gaps.isEmpty(changelog, ...gap);
      pauseMs *= 2;
      answer = await ask(Math.min(pauseMs, Math.max(0, untilMs - performance.now())), isEmpty ? gap : undefined);
    }
    switch (answer.kind) {
      case 'owned':
        return { kind: 'answer', answer: answer.answer };
      case 'behind':
        return { kind: 'behind', position: answer.position };
      case 'failed':
        return { kind: 'failed', code: answer.code, message: answer.message };
      default:
        return { kind: 'absent', ...ownersOfTask(this.#options.owners(), id) };
    }
  }
}

function failed({ code, message }: StreamsError): OwnerReply {
  return { kind: 'failed', code, message };
}
