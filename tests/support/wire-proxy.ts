import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import type { KafkaConnectionConfig } from '@tributary/streams';
import { startTestBroker, type TestBroker, type TestBrokerOptions } from './broker.ts';

/** Numbers of the requests that tests interfere with; any other number works as well. */
export const ApiKey = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  ApiVersions: 18,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
  DescribeTransactions: 65,
} as const;

export type Direction = 'request' | 'response';

/** One Kafka request, or the response to one, as it passes. */
export interface Frame {
  readonly direction: Direction;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Who asked. A response has the client id of its request. */
  readonly clientId: string;
  /** The whole frame with its length prefix. */
  readonly bytes: Buffer;
}

/**
 * Whether this is an EndTxn request that commits, and not one that aborts (a take's probe does): the version clients
 * use ends in that boolean.
 */
export const isCommit = ({ direction, apiKey, bytes }: Frame): boolean =>
  direction === 'request' && apiKey === ApiKey.EndTxn && bytes.at(-1) === 1;

/** Which frames a rule takes. What is left out matches everything. */
export interface FrameFilter {
  readonly direction: Direction;
  readonly apiKey?: number;
  readonly clientId?: string;
  readonly when?: (frame: Frame) => boolean;
  /** The rule ends after so many frames. */
  readonly times?: number;
}

/** An interference under way. */
export interface WireRule {
  /** Frames taken so far, oldest first. */
  readonly taken: readonly Frame[];
  /** Resolves when `count` frames were taken in all. */
  reached(count: number): Promise<void>;
  /** Takes no more frames. What is held stays held until `release`. */
  end(): void;
}

export interface HoldRule extends WireRule {
  /** Sends on what is held, in order, and ends the rule. The broker gets held requests even if the client has gone. */
  release(): void;
  /** Forgets what is held and ends the rule. */
  discard(): void;
}

type Fate =
  { readonly kind: 'hold' | 'drop' | 'cut' | 'tear' | 'bury' } | { readonly kind: 'delay'; readonly delayMs: number };

/**
 * A TCP proxy on 127.0.0.1 that understands Kafka's frames, so that a test can hold, delay, lose or cut single requests
 * and responses. Frames that no rule takes overtake held ones: one connection through this proxy stands for the several
 * connections to several brokers, over which a Produce and an EndTxn are not ordered either.
 */
export class WireProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #rules: ActiveRule[] = [];
  /** Every frame so far. */
  readonly frames: Frame[] = [];
  #targetPort = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Listens on a free port; connections are refused until `forwardTo`. */
  static async listen(): Promise<WireProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new WireProxy(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The broker's port on 127.0.0.1. */
  forwardTo(port: number): void {
    this.#targetPort = port;
  }

  /** Keeps matching frames back until `release`. */
  hold(filter: FrameFilter): HoldRule {
    return this.#add(filter, { kind: 'hold' });
  }

  /**
   * Lets matching frames pass `delayMs` later, each on its own clock. The broker gets delayed requests even if the
   * client has gone.
   */
  delay(filter: FrameFilter, delayMs: number): WireRule {
    return this.#add(filter, { kind: 'delay', delayMs });
  }

  /** Loses matching frames; the connection stays. A client sees a request that is never answered. */
  drop(filter: FrameFilter): WireRule {
    return this.#add(filter, { kind: 'drop' });
  }

  /** Loses matching frames and resets the connection at that point. */
  cut(filter: FrameFilter): WireRule {
    return this.#add(filter, { kind: 'cut' });
  }

  /** Lets the first half of matching frames pass and resets the connection at that point. */
  tear(filter: FrameFilter): WireRule {
    return this.#add(filter, { kind: 'tear' });
  }

  /** Loses matching frames and all that follows on their connections, either way; these stay, and lead nowhere. */
  bury(filter: FrameFilter): WireRule {
    return this.#add(filter, { kind: 'bury' });
  }

  /** Resets every connection, or those of one client id, or of those that `of` names. New ones are accepted. */
  cutAll(of: string | ((clientId: string) => boolean) = () => true): void {
    const isMeant = typeof of === 'string' ? (clientId: string) => clientId === of : of;
    for (const link of [...this.#links]) if ([...link.clientIds].some(isMeant)) link.cut();
  }

  async close(): Promise<void> {
    for (const rule of this.#rules) rule.discard();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const link of [...this.#links]) link.cut();
    await closed;
  }

  #add(filter: FrameFilter, fate: Fate): ActiveRule {
    const rule = new ActiveRule(filter, fate);
    this.#rules.push(rule);
    return rule;
  }

  #accept(client: Socket): void {
    if (this.#targetPort === 0) {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true }), {
      onFrame: (frame, pass, cut) => this.#decide(frame, pass, cut),
      isHeld: () => this.#rules.some((rule) => rule.holds(link)),
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }

  #decide(frame: Frame, pass: Pass, cut: () => void): void {
    this.frames.push(frame);
    const rule = this.#rules.find((it) => it.matches(frame));
    if (rule === undefined) {
      pass.send();
      return;
    }
    const { fate } = rule;
    if (fate.kind === 'cut') cut();
    if (fate.kind === 'tear') pass.tear();
    if (fate.kind === 'bury') pass.link.bury();
    rule.take(frame, pass);
    if (fate.kind === 'delay') setTimeout(() => rule.pass(pass), fate.delayMs).unref();
  }
}

/**
 * Hands a request to a broker over a connection of its own, as a network with several paths does; resolves when it is
 * answered or refused.
 */
export async function deliver(request: Buffer, port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(request);
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  socket.destroy();
}

interface Pass {
  readonly link: Link;
  send(): void;
  /** Sends the first half, and resets the connection. */
  tear(): void;
}

class ActiveRule implements HoldRule {
  readonly taken: Frame[] = [];
  readonly fate: Fate;
  readonly #filter: FrameFilter;
  #held: Pass[] = [];
  #waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  #ended = false;

  constructor(filter: FrameFilter, fate: Fate) {
    this.#filter = filter;
    this.fate = fate;
  }

  matches(frame: Frame): boolean {
    const { direction, apiKey, clientId, when, times } = this.#filter;
    return (
      !this.#ended &&
      (times === undefined || this.taken.length < times) &&
      direction === frame.direction &&
      (apiKey === undefined || apiKey === frame.apiKey) &&
      (clientId === undefined || clientId === frame.clientId) &&
      (when === undefined || when(frame))
    );
  }

  take(frame: Frame, pass: Pass): void {
    this.taken.push(frame);
    if (this.fate.kind === 'hold' || this.fate.kind === 'delay') this.#held.push(pass);
    const reached = this.#waiters.filter(({ count }) => this.taken.length >= count);
    this.#waiters = this.#waiters.filter(({ count }) => this.taken.length < count);
    for (const { resolve } of reached) resolve();
  }

  /** Sends on one of the frames held, unless it was discarded meanwhile. */
  pass(pass: Pass): void {
    if (!this.#held.includes(pass)) return;
    this.#held = this.#held.filter((it) => it !== pass);
    pass.send();
    pass.link.endIfAbandoned();
  }

  holds(link: Link): boolean {
    return this.#held.some((pass) => pass.link === link);
  }

  reached(count: number): Promise<void> {
    if (this.taken.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  end(): void {
    this.#ended = true;
  }

  release(): void {
    this.#ended = true;
    const held = this.#held;
    this.#held = [];
    for (const pass of held) pass.send();
    for (const { link } of held) link.endIfAbandoned();
  }

  discard(): void {
    this.#ended = true;
    const held = this.#held;
    this.#held = [];
    for (const { link } of held) link.endIfAbandoned();
  }
}

interface LinkHandlers {
  onFrame(frame: Frame, pass: Pass, cut: () => void): void;
  isHeld(): boolean;
  onEnd(): void;
}

interface Asked {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly clientId: string;
}

/** A client's connection and the one to the broker that belongs to it. */
class Link {
  readonly clientIds = new Set<string>();
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #asked = new Map<number, Asked>();
  readonly #handlers: LinkHandlers;
  #buried = false;

  constructor(client: Socket, broker: Socket, handlers: LinkHandlers) {
    this.#client = client;
    this.#broker = broker;
    this.#handlers = handlers;
    eachFrame(client, (bytes) => this.#onRequest(bytes));
    eachFrame(broker, (bytes) => this.#onResponse(bytes));
    // A request that is still held travels on: the network does not lose it because its sender closed.
    client.on('close', () => this.endIfAbandoned());
    broker.on('close', () => {
      client.destroy();
      handlers.onEnd();
    });
    client.on('error', () => undefined);
    broker.on('error', () => undefined);
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#broker.destroy();
  }

  /** Nothing passes any more, in either direction. */
  bury(): void {
    this.#buried = true;
  }

  endIfAbandoned(): void {
    if (!this.#client.destroyed || this.#handlers.isHeld()) return;
    this.#broker.end();
  }

  #onRequest(bytes: Buffer): void {
    const clientIdLength = bytes.readInt16BE(12);
    const clientId = clientIdLength < 0 ? '' : bytes.toString('utf8', 14, 14 + clientIdLength);
    const asked = { apiKey: bytes.readInt16BE(4), apiVersion: bytes.readInt16BE(6), clientId };
    const correlationId = bytes.readInt32BE(8);
    this.#asked.set(correlationId, asked);
    this.clientIds.add(clientId);
    this.#pass({ direction: 'request', correlationId, bytes, ...asked }, this.#broker);
  }

  #onResponse(bytes: Buffer): void {
    const correlationId = bytes.readInt32BE(4);
    const asked = this.#asked.get(correlationId);
    if (asked === undefined) throw new Error(`a response without request: correlation id ${correlationId}`);
    this.#asked.delete(correlationId);
    this.#pass({ direction: 'response', correlationId, bytes, ...asked }, this.#client);
  }

  #pass(frame: Frame, to: Socket): void {
    if (this.#buried) return;
    const send = (): void => {
      if (to.writable) to.write(frame.bytes);
    };
    const tear = (): void => {
      // Whoever reads it has it before the end of the connection: a reset would take it back.
      if (to.writable) to.end(frame.bytes.subarray(0, Math.ceil(frame.bytes.length / 2)), () => this.cut());
    };
    this.#handlers.onFrame(frame, { link: this, send, tear }, () => this.cut());
  }
}

/** Cuts a stream into Kafka's frames: int32 length, then that many bytes. */
const eachFrame = (socket: Socket, onFrame: (bytes: Buffer) => void): void => {
  let chunks: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    while (size >= 4) {
      const head = chunks[0] !== undefined && chunks[0].length >= 4 ? chunks[0] : Buffer.concat(chunks);
      const length = 4 + head.readInt32BE(0);
      if (size < length) return;
      const all = Buffer.concat(chunks);
      chunks = [all.subarray(length)];
      size -= length;
      onFrame(all.subarray(0, length));
    }
  });
};

export interface ProxiedBroker {
  readonly broker: TestBroker;
  readonly proxy: WireProxy;
  /** By the proxy. */
  readonly connection: KafkaConnectionConfig;
  stop(): Promise<void>;
}

/**
 * A test broker that every client reaches through a wire proxy, however it bootstraps: the broker advertises the
 * proxy's port, so nothing on the wire is rewritten and any client works. Choose the victim by its client id.
 */
export const startProxiedBroker = async (options: TestBrokerOptions = {}): Promise<ProxiedBroker> => {
  const proxy = await WireProxy.listen();
  const properties = { ...options.properties, 'advertised.listeners': `BROKER://127.0.0.1:${proxy.port}` };
  const broker = await startTestBroker({ ...options, properties });
  proxy.forwardTo(broker.port);
  return {
    broker,
    proxy,
    connection: { brokers: [`127.0.0.1:${proxy.port}`], clientId: 'test' },
    stop: async () => {
      await proxy.close();
      await broker.stop();
    },
  };
};
