import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A collector of OTLP over HTTP that keeps the bodies that it is sent. */
export interface TraceCollector {
  readonly url: string;
  readonly received: readonly string[];
  close(): void;
}

export async function startTraceCollector(): Promise<TraceCollector> {
  const received: string[] = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      received.push(body);
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`;
  return { url, received, close: () => void collector.close() };
}
