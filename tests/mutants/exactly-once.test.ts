import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OFFSETS_AFTER_RECORDS, OFFSETS_BEFORE_RECORDS, RESTORE_STOPS_SHORT, REUSED_PRODUCER, STORE_BEFORE_COMMIT, STORE_BEFORE_COMMIT_UNNOTICED } from './mutations.ts';
import { seed } from '../support/chaos.ts';
import { CHAOS_BROKER, EchoRun } from '../support/echo-run.ts';
import { createMutant, type Mutation } from '../support/mutant.ts';
import { ApiKey, startProxiedBroker, type Frame, type ProxiedBroker } from '../support/wire-proxy.ts';

/*
 * Each guarantee is shown by a fault that the runtime survives and a mutant of the runtime does not: the same run, the
 * same oracle, one deliberate mistake.
 */

const RECORDS_ARRIVE_MS = 500;

let cluster: ProxiedBroker;

beforeAll(async () => {
  cluster = await startProxiedBroker({ properties: CHAOS_BROKER });
}, 60_000);
afterAll(() => cluster.stop(), 60_000);

/** What is wrong after a run of a mutant, or of the runtime when there is none. A run that comes to no end is wrong too. */
async function problemsOf(name: string, mutation: Mutation | undefined, fault: (run: EchoRun) => Promise<void>): Promise<string[]> {
  const mutant = mutation === undefined ? undefined : await createMutant(mutation);
  const run = await EchoRun.open({ connection: cluster.connection, name, seed, partitions: 1, ...(mutant === undefined ? {} : { root: mutant.root }) });
  try {
    await fault(run);
    return await run.verdict(15_000).catch((error: unknown) => [String(error)]);
  } finally {
    await run.close();
    await mutant?.remove();
  }
}

const crashAt = (at: string) => async (run: EchoRun): Promise<void> => {
  const flow = run.flow();
  await run.crash(at, 6);
  await flow.stop();
  await run.start();
};

/**
 * The network keeps the EndTxn by which a task commits, the task aborts and begins anew, and when its next records are
 * sent, the first EndTxn arrives. Then the process dies.
 */
const lateCommit = async (run: EchoRun): Promise<void> => {
  const ofTask = ({ clientId }: { clientId: string }): boolean => clientId.startsWith(run.applicationId) && clientId.endsWith('-0_0');
  await run.publish(500);
  const late = cluster.proxy.hold({ direction: 'request', apiKey: ApiKey.EndTxn, when: ofTask, times: 1 });
  const app = await run.start();
  await late.reached(1);
  const next = cluster.proxy.hold({ direction: 'request', apiKey: ApiKey.AddOffsetsToTxn, when: ofTask });
  const { clientId, bytes } = late.taken[0] as Frame;
  cluster.proxy.cutAll(clientId);
  await next.reached(1);
  // The records go side by side with the offsets that are held here.
  await sleep(RECORDS_ARRIVE_MS);
  late.discard();
  await deliver(bytes);
  await app.kill();
  next.discard();
  await run.start();
};

/** Hands a request to the broker over another connection, as a network with several paths does; resolves when it is answered. */
const deliver = async (request: Buffer): Promise<void> => {
  const socket = connect({ port: cluster.broker.port, host: '127.0.0.1' });
  socket.write(request);
  await once(socket, 'data');
  socket.destroy();
};

// What a mutant leaves behind depends on which task was the first to die: any of its traces is proof enough.
describe('a death between the records and the commit', () => {
  test('is survived', async () => {
    expect(await problemsOf('records', undefined, crashAt('afterProduce'))).toEqual([]);
  }, 60_000);
  test('loses records when the offsets are committed before', async () => {
    expect((await problemsOf('m-before', OFFSETS_BEFORE_RECORDS, crashAt('afterProduce'))).join('\n')).toMatch(/lost or wrong|rows are wrong/);
  }, 60_000);
  test('doubles records when the offsets are committed after', async () => {
    expect((await problemsOf('m-after', OFFSETS_AFTER_RECORDS, crashAt('afterProduce'))).join('\n')).toMatch(/doubled|rows are wrong/);
  }, 60_000);
});

describe('a death around the store batch', () => {
  test('is survived', async () => {
    expect(await problemsOf('batch', undefined, crashAt('afterCommit'))).toEqual([]);
  }, 60_000);
  test('leaves a store ahead when the batch comes before the commit: the next start refuses it', async () => {
    expect((await problemsOf('m-store', STORE_BEFORE_COMMIT, crashAt('afterBatch'))).join('\n')).toMatch(/STORE_AHEAD_OF_GROUP/);
  }, 60_000);
  test('doubles counts when nothing tells the next start', async () => {
    expect((await problemsOf('m-store-2', STORE_BEFORE_COMMIT_UNNOTICED, crashAt('afterBatch'))).join('\n')).toMatch(/running-0|buckets/);
  }, 60_000);
  test('loses counts when the restore stops short', async () => {
    expect((await problemsOf('m-restore', RESTORE_STOPS_SHORT, crashAt('afterCommit'))).join('\n')).toMatch(/running-0|buckets/);
  }, 60_000);
});

describe('a commit that arrives a transaction late', () => {
  test('is fenced off', async () => {
    expect(await problemsOf('late', undefined, lateCommit)).toEqual([]);
  }, 60_000);
  test('commits half of the next transaction when the producer is reused', async () => {
    expect((await problemsOf('m-reused', REUSED_PRODUCER, lateCommit)).join('\n')).toMatch(/doubled|rows are wrong|OFFSETS_MISSING/);
  }, 60_000);
});
