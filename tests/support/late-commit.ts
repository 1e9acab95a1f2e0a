import { until } from './until.ts';
import { ApiKey, deliver, isCommit, type Frame, type HoldRule, type ProxiedBroker } from './wire-proxy.ts';

/** A commit that the network has lost sight of: its sender has been cut off, and has to begin anew. */
export interface LateCommit {
  /** The frame of the commit that is late. */
  readonly late: Frame;
  /** @throws when the next that its sender does in a transaction is not to ask for a new epoch. */
  fenced(): Promise<void>;
  /**
   * The commit arrives when the records of the sender's next transaction are there and their offsets are not. Answers
   * what lets go of these offsets. They never arrive: what has them to send must fail, or be dead.
   */
  arrive(): Promise<() => void>;
}

/** What a producer does within a transaction, or to begin with. */
const TRANSACTIONAL: readonly number[] = [
  ApiKey.InitProducerId,
  ApiKey.AddPartitionsToTxn,
  ApiKey.AddOffsetsToTxn,
  ApiKey.TxnOffsetCommit,
  ApiKey.Produce,
];

/**
 * The network keeps the EndTxn by which a task commits. The task aborts and begins anew, and when the next records are
 * there and their offsets are not, the EndTxn arrives. A producer that is used again then has half a transaction
 * committed, and the next attempt doubles it; with any other moment of arrival nothing is seen of that.
 * @param log what a wait in vain is explained from.
 */
export async function holdCommit(
  { proxy, broker }: ProxiedBroker,
  isOfTask: (frame: Frame) => boolean,
  log: () => string = () => '',
): Promise<LateCommit> {
  const reached = (rule: HoldRule, what: string): Promise<void> =>
    until(
      () => rule.taken.length > 0,
      () => `${what}\n${log()}`,
    );
  const held = proxy.hold({
    direction: 'request',
    apiKey: ApiKey.EndTxn,
    when: (frame) => isOfTask(frame) && isCommit(frame),
    times: 1,
  });
  await reached(held, 'a task commits');
  const late = held.taken[0] as Frame;
  const begun = proxy.frames.indexOf(late) + 1;
  const ofProducer = (direction: Frame['direction']): Frame[] =>
    proxy.frames.slice(begun).filter((frame) => frame.direction === direction && frame.clientId === late.clientId);
  const next = proxy.hold({
    direction: 'request',
    apiKey: ApiKey.AddOffsetsToTxn,
    when: ({ clientId }) => clientId === late.clientId && hasRecords(ofProducer('request')),
  });
  proxy.cutAll(late.clientId);
  return {
    late,
    fenced: async () => {
      const first = (): Frame | undefined => ofProducer('request').find(({ apiKey }) => TRANSACTIONAL.includes(apiKey));
      await until(
        () => first() !== undefined,
        () => `the sender of a commit that is held begins anew\n${log()}`,
      );
      if (first()?.apiKey !== ApiKey.InitProducerId)
        throw new Error(`the producer of ${late.clientId} is used again after an error: it asks for no new epoch`);
    },
    arrive: async () => {
      await reached(next, 'a transaction follows a commit that is held');
      // The records go side by side with the offsets that are held here.
      await until(
        () => ofProducer('response').some((frame) => isAnswerInLastTransaction(frame)),
        () => `the records of that transaction are taken\n${log()}`,
      );
      held.discard();
      await deliver(late.bytes, broker.port);
      return () => next.discard();
    },
  };

  function isAnswerInLastTransaction(frame: Frame): boolean {
    const begins = proxy.frames.findLastIndex(
      ({ direction, apiKey, clientId }) =>
        direction === 'request' && apiKey === ApiKey.AddPartitionsToTxn && clientId === late.clientId,
    );
    return frame.apiKey === ApiKey.Produce && proxy.frames.indexOf(frame) > begins;
  }
}

/**
 * Whether the open transaction of a producer has taken on records. The probe of a take has none, and what a take ends
 * in a broker's place comes before the probe.
 */
function hasRecords(requests: readonly Frame[]): boolean {
  const sinceInit = requests.slice(requests.findLastIndex(({ apiKey }) => apiKey === ApiKey.InitProducerId) + 1);
  const steps = sinceInit
    .map(({ apiKey }) => apiKey)
    .filter((apiKey) => apiKey === ApiKey.AddPartitionsToTxn || apiKey === ApiKey.EndTxn);
  return steps.includes(ApiKey.EndTxn) && steps.at(-1) === ApiKey.AddPartitionsToTxn;
}
