/** How to reach a Kafka cluster: what every client in a process is built from. Plain data, so that it crosses threads. */
export interface KafkaConnectionConfig {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  /** Shown in the broker's logs and quotas. */
  readonly clientId: string;
  /** How long a broker may take to answer before the request counts as failed, its effect unknown. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** TLS; `ca` is PEM text. `rejectUnauthorized` is never switched off. */
  readonly tls?: { readonly ca?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}
