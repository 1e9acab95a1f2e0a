import type { KafkaConnectionConfig } from '../kafka/kafka-connection-config.ts';
import type { Logger } from '../logger.ts';
import { createGlobalTable } from '../table/global-table.ts';
import type { GlobalTable } from '../table/global-table-types.ts';
import { GlobalTables } from '../task/global-tables.ts';
import type { Topology } from '../topology/topology.ts';

const NO_HEADERS = {};

/** Reads the topics of a topology's global tables from their beginning, for one stream thread, and follows them. */
export class GlobalTableReader {
  readonly tables: GlobalTables;
  readonly #reader: GlobalTable | undefined;
  #records = 0;

  /** `onRead`: it is at the end. `onFatal`: a record cannot be taken, or no waiting mends what the broker says. */
  constructor(
    connection: KafkaConnectionConfig,
    { globalTables }: Topology,
    {
      logger,
      onRead,
      onFatal,
    }: {
      readonly logger: Logger;
      readonly onRead: () => void;
      readonly onFatal: (error: unknown) => void;
    },
  ) {
    const tables = new GlobalTables(globalTables);
    this.tables = tables;
    if (tables.topics.length === 0) return;
    let reported: string | null = null;
    this.#reader = createGlobalTable(
      connection,
      {
        topics: tables.topics,
        onChanges: (changes) => {
          this.#records += changes.length;
          try {
            for (const change of changes) tables.apply({ ...change, headers: NO_HEADERS }, Date.now());
          } catch (error) {
            onFatal(error);
          }
        },
        onReset: (topic, partition) => tables.forget(topic, partition),
        onState: ({ caughtUpOnce, reason }) => {
          if (caughtUpOnce) onRead();
          else if (reason !== reported) logger.info({ topics: tables.topics, reason }, 'global tables are being read');
          reported = reason;
        },
        onFatal,
      },
      logger,
    );
  }

  /** Its topics have been read to the end that they had at the start: what is joined with them finds all of it. */
  get isRead(): boolean {
    return this.#reader?.state().caughtUpOnce ?? true;
  }

  /** How many records it has read. */
  get records(): number {
    return this.#records;
  }

  start(): void {
    this.#reader?.start();
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }
}
