import { lookup } from 'node:dns/promises';

/** The brokers, `host:port` each, whose host names do not resolve. */
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

/** The host of `host:port`, without the brackets of IPv6. */
function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
