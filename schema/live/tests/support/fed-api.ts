import type { TableChange } from '@tributary/streams';

import type { openTableRows } from '../../feed/table-rows.ts';
import { createFedLiveApi, type LiveApi } from '../../live-api.ts';
import type { LiveApiOptions } from '../../live-api-options.ts';
import type { TablesModel } from '../../tables/table-reads.ts';
import { AskedApi } from './asked-api.ts';

/** An API of the application `shop` whose topics, of one partition each, are written by hand. */
export class FedApi extends AskedApi {
  readonly api: LiveApi;
  readonly model: TablesModel;
  readonly #ends = new Map<string, number>();

  constructor(options: Partial<LiveApiOptions> & Pick<LiveApiOptions, 'tables'>) {
    super();
    const fed: { model?: TablesModel } = {};
    const openRows: typeof openTableRows = ({ model, tables }) => {
      fed.model = model;
      for (const { name, shape } of tables) model.tables[name]?.follow(shape.kind);
      model.followPositions(() => new Map([...this.#ends].map(([topic, end]) => [`${topic}-0`, end])));
      return {
        close: () => {
          model.hub.close();
          return Promise.resolve();
        },
      };
    };
    const connection = { brokers: ['127.0.0.1:9'], clientId: 'test' };
    this.api = createFedLiveApi({ applicationId: 'shop', connection, ...options }, openRows);
    this.api.start();
    if (fed.model === undefined) throw new Error('the API has not started');
    this.model = fed.model;
    for (const copy of Object.values(this.model.tables)) copy.copied(new Map([[0, 0]]), 0);
    this.model.setTableState({ caughtUpOnce: true, complete: true, reason: null });
  }

  /** `value`: JSON as text, anything else is written as JSON; null deletes. */
  put(topic: string, key: Buffer, value: unknown, timestampMs?: number): void {
    const offset = this.#ends.get(topic) ?? 0;
    this.#ends.set(topic, offset + 1);
    const change: TableChange = {
      topic,
      partition: 0,
      offset,
      timestampMs: timestampMs ?? Date.UTC(2026, 0, 1) + offset,
      key,
      value: value === null ? null : Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
    };
    this.model.apply([change]);
  }
}
