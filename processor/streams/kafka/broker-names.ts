import { lookup } from 'node:dns/promises';

/** The entries of KAFKA_BROKERS whose host names do not resolve. */
export async function unresolvableBrokers(brokers: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    brokers.map((broker) =>
      lookup(hostOf(broker)).then(
        () => [],
        () => [broker],
      ),
    ),
  );
  return found.flat();
}

/** Of `host:port`, without the brackets of IPv6. */
export function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

/**
 * One line when no name resolves: a broker that is down is waited for, a name that is nobody's is a mistake. Undefined:
 * go on.
 */
export function allUnknown(brokers: readonly string[], unresolvable: readonly string[]): string | undefined {
  const [first] = unresolvable;
  if (first === undefined || unresolvable.length < brokers.length) return undefined;
  return (
    `BROKER_NAME_UNKNOWN: KAFKA_BROKERS names "${first}", but the name ${hostOf(first)} ` +
    `does not resolve: correct it.`
  );
}
