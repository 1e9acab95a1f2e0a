import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { LeaderNotKnownError } from '../kafka/kafka-errors.ts';

/**
 * The ids of the topics that are read: one that was deleted and made anew may be longer than the copy has read, and
 * its offsets say nothing of that.
 */
export class TopicIdentities {
  readonly #cluster: Pick<KafkaCluster, 'topicIds'>;
  readonly #ids = new Map<string, string>();
  readonly #madeAnew = new Map<string, string>();

  constructor(cluster: Pick<KafkaCluster, 'topicIds'>) {
    this.#cluster = cluster;
  }

  /**
   * Notes the ids of topics that were not known. @throws LeaderNotKnownError while a topic is not there, and until one
   * that was made anew is accepted.
   */
  async check(topics: readonly string[]): Promise<void> {
    const found = await this.#cluster.topicIds(topics);
    for (const topic of topics) {
      const [before, now] = [this.#ids.get(topic), found.get(topic)];
      if (before === now) continue;
      if (now === undefined) throw new LeaderNotKnownError(topic, 0);
      if (before === undefined) this.#ids.set(topic, now);
      else this.#madeAnew.set(topic, now);
    }
    for (const topic of topics) if (this.#madeAnew.has(topic)) throw new LeaderNotKnownError(topic, 0);
  }

  /** Topics that are other ones than were read. */
  get madeAnew(): string[] {
    return [...this.#madeAnew.keys()];
  }

  /** A topic that was made anew is read from its start from now on. */
  accept(topic: string): void {
    const id = this.#madeAnew.get(topic);
    if (id !== undefined) this.#ids.set(topic, id);
    this.#madeAnew.delete(topic);
  }
}
