import { setTimeout as sleep } from 'node:timers/promises';
import { ApiKey, deliver, isCommit, type Frame, type ProxiedBroker } from './wire-proxy.ts';

const RECORDS_ARRIVE_MS = 500;

/** The transaction that a late commit has come upon. */
export interface StruckTransaction {
  /** The frame of the commit that was late. */
  readonly late: Frame;
  /** Lets go of the offsets that were held back. They never arrive: what has them to send must fail, or be dead. */
  discard(): void;
}

/**
 * The network keeps the EndTxn by which a task commits. The task aborts and begins anew, and when the next records are
 * there and their offsets are not, the EndTxn arrives. A producer that is used again then has half a transaction
 * committed, and the next attempt doubles it; with any other moment of arrival nothing is seen of that.
 */
export async function commitIntoNextTransaction(
  { proxy, broker }: ProxiedBroker,
  isOfTask: (frame: Frame) => boolean,
): Promise<StruckTransaction> {
  const held = proxy.hold({
    direction: 'request',
    apiKey: ApiKey.EndTxn,
    when: (frame) => isOfTask(frame) && isCommit(frame),
    times: 1,
  });
  await held.reached(1);
  const late = held.taken[0] as Frame;
  const ofProducer = (frame: Frame): boolean => frame.direction === 'request' && frame.clientId === late.clientId;
  const next = proxy.hold({
    direction: 'request',
    apiKey: ApiKey.AddOffsetsToTxn,
    when: (frame) => ofProducer(frame) && hasRecords(proxy.frames.filter(ofProducer)),
  });
  proxy.cutAll(late.clientId);
  await next.reached(1);
  // The records go side by side with the offsets that are held here.
  await sleep(RECORDS_ARRIVE_MS);
  held.discard();
  await deliver(late.bytes, broker.port);
  return { late, discard: () => next.discard() };
}

/** Whether the open transaction of a producer has taken on records; a take's probe has none. */
function hasRecords(requests: readonly Frame[]): boolean {
  return (
    requests.findLast(({ apiKey }) => apiKey === ApiKey.AddPartitionsToTxn || apiKey === ApiKey.EndTxn)?.apiKey ===
    ApiKey.AddPartitionsToTxn
  );
}
