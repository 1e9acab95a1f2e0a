import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/* A serde stands still while it asks, with the thread that it is in: the registry has a thread of its own. */

const SERVER = `
const { createServer } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
let isAway = true;
const asked = [];
parentPort.on('message', (message) => {
  if (message === 'asked') return parentPort.postMessage(asked.splice(0));
  isAway = message === 'away';
  parentPort.postMessage(message);
});
createServer(({ url }, response) => {
  asked.push(url);
  const schema = workerData[Number(url.split('/').at(-1)) - 1];
  const [status, answer] = isAway
    ? [503, { error_code: 50003, message: 'there is no leader' }]
    : schema === undefined
      ? [404, { error_code: 40403, message: 'Schema not found' }]
      : [200, { schema: JSON.stringify(schema) }];
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(answer));
}).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

/** A schema registry that knows Avro schemas by their ids, 1 and up, while it is not away. It is away at first. */
export class RegistryInAThread {
  readonly url: string;
  readonly #worker: Worker;

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.url = `http://127.0.0.1:${String(port)}`;
  }

  static async start(schemas: readonly unknown[]): Promise<RegistryInAThread> {
    const worker = new Worker(SERVER, { eval: true, workerData: schemas });
    const [port] = (await once(worker, 'message')) as [number];
    return new RegistryInAThread(worker, port);
  }

  async goAway(): Promise<void> {
    await this.#say('away');
  }

  async comeBack(): Promise<void> {
    await this.#say('back');
  }

  /** The paths that were asked since the last call, oldest first. */
  async asked(): Promise<readonly string[]> {
    return (await this.#say('asked')) as readonly string[];
  }

  async #say(message: string): Promise<unknown> {
    const answered = once(this.#worker, 'message');
    this.#worker.postMessage(message);
    const [answer] = (await answered) as [unknown];
    return answer;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
