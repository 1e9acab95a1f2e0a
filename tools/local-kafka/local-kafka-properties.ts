/** One node of a cluster. All nodes of it are given the same cluster id and the same voters. */
export interface LocalKafkaNode {
  readonly id: number;
  /** Of `newClusterId()`. */
  readonly clusterId: string;
  /** Every node's controller port of 127.0.0.1, by node id. */
  readonly controllerPorts: ReadonlyMap<number, number>;
}

export interface LocalKafkaListeners {
  readonly port: number;
  readonly node: Omit<LocalKafkaNode, 'clusterId'>;
  readonly logDir: string;
  /** Whether the broker before this one, if there was one, had time to say good-bye. */
  readonly cleanShutdown: boolean;
  /** Besides the usual one: name, as `SECURED`, to what it advertises and speaks. */
  readonly others?: Readonly<Record<string, OtherListener>>;
}

export interface OtherListener {
  /** A name of this machine, for the broker to call itself by. */
  readonly host: string;
  readonly port: number;
  /** In Kafka's words, such as `SASL_SSL`. */
  readonly protocol: string;
}

/**
 * A node that is broker and controller at once, on 127.0.0.1. What differs from Kafka's defaults is what a single node
 * forces (one replica; a cluster of several overrides it), what a quick start asks for (few internal partitions, no
 * wait for a first rebalance), and that nothing is deleted by age or made by accident.
 */
export function localKafkaProperties(
  listeners: LocalKafkaListeners,
  overrides: Readonly<Record<string, string>> = {},
): string {
  const { id, controllerPorts } = listeners.node;
  const others = Object.entries(listeners.others ?? {});
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    listeners: [
      `BROKER://127.0.0.1:${listeners.port}`,
      `CONTROLLER://127.0.0.1:${String(controllerPorts.get(id))}`,
      ...others.map(([name, { port }]) => `${name}://127.0.0.1:${port}`),
    ].join(','),
    'advertised.listeners': [
      `BROKER://127.0.0.1:${listeners.port}`,
      ...others.map(([name, { host, port }]) => `${name}://${host}:${port}`),
    ].join(','),
    'listener.security.protocol.map': [
      'BROKER:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...others.map(([name, { protocol }]) => `${name}:${protocol}`),
    ].join(','),
    'inter.broker.listener.name': 'BROKER',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': [...controllerPorts]
      .map(([voter, port]) => `${String(voter)}@127.0.0.1:${String(port)}`)
      .join(','),
    'log.dirs': listeners.logDir,
    'num.network.threads': '2',
    'num.io.threads': '4',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'log.retention.ms': '-1',
    // The controller lets a broker that was killed register again only when the old session is over: 9 s by default.
    ...(listeners.cleanShutdown ? {} : { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' }),
    ...overrides,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${propertyText(value)}\n`)
    .join('');
}

/**
 * Java reads a properties file as Latin-1, takes a backslash for an escape, and drops blanks at the front of a value.
 */
function propertyText(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/^ /, '\\ ')
    .replaceAll(/[^\x20-\x7e]/g, escaped);
}

/** One UTF-16 unit in Java's own escape. */
function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
