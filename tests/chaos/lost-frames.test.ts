import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seed, sized, timeLimit } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { until } from '../support/until.ts';
import {
  ApiKey,
  isCommit,
  startProxiedBroker,
  type Direction,
  type Frame,
  type ProxiedBroker,
} from '../support/wire-proxy.ts';

/*
 * Each kind of request that a processor makes between the loss of its connections and the next commit, and each way in
 * which it or its answer gets lost: the processor comes back from all of them by itself, whatever was under way. The
 * oracle replays every output.
 */

const FATES = [
  { name: 'a connection that ends with the request', rule: 'cut', direction: 'request' },
  { name: 'a connection that ends in the middle of the answer', rule: 'tear', direction: 'response' },
  { name: 'a connection that leads nowhere any more', rule: 'bury', direction: 'request' },
  { name: 'a request that gets lost', rule: 'drop', direction: 'request' },
  { name: 'a connection that ends with the answer', rule: 'cut', direction: 'response' },
  { name: 'an answer that gets lost', rule: 'drop', direction: 'response' },
] as const satisfies { name: string; rule: string; direction: Direction }[];

/** In an order in which the short run, one fate for each, has the worst for reading: half an answer. */
const REQUESTS = [
  'JoinGroup',
  'Fetch',
  'Metadata',
  'FindCoordinator',
  'Produce',
  'InitProducerId',
  'Heartbeat',
  'ListOffsets',
  'OffsetFetch',
  'AddPartitionsToTxn',
  'SyncGroup',
  'DescribeTransactions',
  'ApiVersions',
  'AddOffsetsToTxn',
  'EndTxn',
  'TxnOffsetCommit',
] as const satisfies (keyof typeof ApiKey)[];

/** As many frames in a row: the further ones are the attempts to recover. */
const TIMES = 2;
/** What waits for an answer asks again within a second. */
const REQUEST_TIMEOUT_MS = 500;

let cluster: ProxiedBroker;
beforeAll(async () => {
  cluster = await startProxiedBroker({ properties: CHAOS_BROKER });
});
afterAll(() => cluster.stop());

test.concurrent.each(FATES)(
  `$name keeps no processor from going on (seed ${String(seed)})`,
  async ({ name, rule, direction }) => {
    const fate = FATES.findIndex((it) => it.name === name);
    const requests = sized({
      short: REQUESTS.filter((_, index) => index % FATES.length === fate),
      full: REQUESTS,
    });
    const run = await EchoRun.open({
      connection: cluster.connection,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      name: name.replaceAll(' ', '-'),
      seed: seed + fate,
    });
    const ofApp = ({ clientId }: Pick<Frame, 'clientId'>): boolean => clientId.startsWith(run.applicationId);
    try {
      const flow = run.flow();
      const app = await run.start();
      await app.untilReady();
      for (const request of requests) {
        const { proxy } = cluster;
        const lost = proxy[rule]({ direction, apiKey: ApiKey[request], times: TIMES, when: ofApp });
        // A heartbeat and a commit that fail: of a connection that is lost between two requests the next one would only
        // open another one.
        const rejoin = proxy.cut({ direction: 'response', apiKey: ApiKey.Heartbeat, times: 1, when: ofApp });
        const failed = proxy.cut({
          direction: 'request',
          apiKey: ApiKey.EndTxn,
          times: 1,
          when: (frame) => ofApp(frame) && isCommit(frame),
        });
        proxy.cutAll((clientId) => ofApp({ clientId }));
        await until(
          () => lost.taken.length > 0,
          () => `${request} is lost\n${app.log()}`,
        );
        await run.goesOn();
        for (const it of [lost, rejoin, failed]) it.end();
        await app.untilReady();
      }
      await flow.stop();
      expect({ seed: seed + fate, problems: await run.verdict() }).toEqual({ seed: seed + fate, problems: [] });
    } finally {
      await run.close();
    }
  },
  timeLimit(600_000),
);
