import { connect, type Socket } from 'node:net';

/** A TCP client that says what a test makes it say, keeps what it hears, and hangs up only when it is told to. */
export class OpenHttp {
  readonly socket: Socket;
  heard = '';
  ended = false;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
  }

  static async to(url: string, ...said: string[]): Promise<OpenHttp> {
    const client = new OpenHttp(connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true }));
    await new Promise((resolve) => client.socket.once('connect', resolve).once('close', resolve));
    client.say(...said);
    return client;
  }

  /** Lines, each with its end. */
  say(...lines: string[]): void {
    if (lines.length > 0) this.socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  /** Statuses of the answers heard so far. */
  get statuses(): number[] {
    return [...this.heard.matchAll(/(?:^|\r\n|[}\]\n])HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  hangUp(): void {
    this.socket.destroy();
  }
}
