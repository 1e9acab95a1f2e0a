/** A request of the registry's REST API. */
export interface HttpQuestion {
  readonly method: 'GET' | 'POST';
  /** From the first slash on, with the query. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** How a registry is asked. */
export interface RegistryTransport {
  /** Of the registry, for people. */
  readonly name: string;
  /** Waits for the answer. @throws StreamsError SCHEMA_REGISTRY_AWAY */
  ask(question: HttpQuestion): HttpAnswer;
}
