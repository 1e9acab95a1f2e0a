import { messageOf, StreamsError } from '../errors.ts';
import type { Kafka } from '../kafka/kafka-client.ts';
import type { KafkaCluster } from '../kafka/kafka-cluster.ts';
import type { Logger } from '../logger.ts';
import { repeatEvery } from '../repeat-every.ts';
import type { Topology } from '../topology/topology.ts';
import { ApplicationRecordReader } from './application-record.ts';
import { findChangedTopic, type KnownTopics } from './topic-check.ts';

const CHECK_INTERVAL_MS = 5_000;

interface TopicWatchOptions {
  readonly kafka: Kafka;
  readonly cluster: KafkaCluster;
  readonly topology: Topology;
  readonly applicationId: string;
  readonly logger: Logger;
  /** What the topics were at the start. */
  readonly known: KnownTopics;
  readonly onChanged: (error: StreamsError) => void;
}

/**
 * Watches the topics of a running application: one that is deleted, created again, cut or gets more partitions
 * ends it, since going on would count wrongly in silence; so does a newer release that writes one of them in a form
 * that this one does not know. Returns how to end the watch.
 */
export function watchTopics({ kafka, cluster, topology, applicationId, logger, known, onChanged }: TopicWatchOptions): {
  readonly close: () => void;
} {
  const record = new ApplicationRecordReader(cluster, applicationId, logger);
  const check = async (): Promise<void> => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      const changed = await findChangedTopic({ admin, cluster, topology, applicationId, logger }, known);
      if (changed !== undefined) onChanged(changed);
      else await record.read();
    } catch (error) {
      if (error instanceof StreamsError && error.code === 'FORMAT_UNKNOWN') onChanged(error);
      else logger.debug({ error: messageOf(error) }, 'the topics could not be checked');
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  };
  return { close: repeatEvery(CHECK_INTERVAL_MS, check) };
}
