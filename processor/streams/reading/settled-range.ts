import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import { untilBrokerAnswers } from '../kafka/until-broker-answers.ts';

interface OffsetRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Longer than a broker takes to hear that a partition is not its own any more, and well within the ten seconds of a
 * refusal.
 */
const SETTLE_MS = 4_000;
const ASK_AGAIN_MS = 200;

/**
 * The offsets that a partition of a tracked topic holds. One that has just lost a partition still answers, with an
 * older end: so an answer that contradicts what is known (`plausible` is false) is asked for again, of whoever leads by
 * then. When it stays so, it is true: the caller refuses it.
 */
export async function settledRange(
  cluster: Pick<KafkaCluster, 'offsetRange' | 'refresh'>,
  {
    topic,
    partition,
    isolationLevel,
    signal,
    plausible,
    onUnanswered,
  }: {
    readonly topic: string;
    readonly partition: number;
    readonly isolationLevel: number;
    readonly signal: AbortSignal;
    readonly plausible: (range: OffsetRange) => boolean;
    /** Told of each time that no broker answers, and with undefined when one does after that. */
    readonly onUnanswered?: (error: unknown) => void;
  },
): Promise<OffsetRange> {
  for (const deadline = performance.now() + SETTLE_MS; ;) {
    const range = await untilBrokerAnswers(
      signal,
      () => cluster.offsetRange(topic, partition, isolationLevel),
      () => cluster.refresh(),
      onUnanswered,
    );
    if (plausible(range) || performance.now() > deadline) return range;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    signal.throwIfAborted();
    await cluster.refresh().catch(() => undefined);
  }
}
