export interface TracedOperation {
  readonly type: string;
  /** Undefined for one without a name. */
  readonly name: string | undefined;
  readonly transport: 'ws' | 'sse' | 'http';
  /** The caller's span, as the header of W3C's Trace Context names it. */
  readonly traceparent: string | null | undefined;
}

/** Spans of operations, sent to a collector. */
export interface Tracing {
  /** Begins a span; what it returns ends it, with the codes of the errors that were sent. */
  begin(operation: TracedOperation): (codes: readonly string[]) => void;
  /** Sends what has not been sent; waits for it for at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}
