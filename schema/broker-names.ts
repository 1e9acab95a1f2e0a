import { lookup } from 'node:dns/promises';

/**
 * One line about the first broker whose host name does not resolve; null when all do. A broker that is down is waited for,
 * a name that is nobody's is a mistake.
 */
export async function unresolvableBroker(brokers: readonly string[]): Promise<string | null> {
  for (const broker of brokers) {
    const host = broker.replace(/:\d+$/, '');
    try {
      await lookup(host);
    } catch {
      return `KAFKA_BROKERS names "${broker}", but the name ${host} does not resolve: correct it.`;
    }
  }
  return null;
}
