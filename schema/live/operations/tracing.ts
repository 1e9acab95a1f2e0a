export interface TracedOperation {
  readonly type: string;
  /** Undefined for one without a name. */
  readonly name: string | undefined;
  readonly transport: 'ws' | 'sse' | 'http';
  /** The caller's span, as the header of W3C's Trace Context names it. */
  readonly traceparent: string | null | undefined;
}

/** Sends spans of operations to a collector. */
export interface Tracing {
  /** Begins a span; the returned function ends it, with the codes of the errors that were sent. */
  begin(operation: TracedOperation): (codes: readonly string[]) => void;
  /** Sends the spans that were not sent yet; waits at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}
