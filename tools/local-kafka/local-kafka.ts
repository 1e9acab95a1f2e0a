import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from '@tributary/streams';
import { DataDirLock } from './data-dir-lock.ts';
import { findJava, type Java, javaEnvironment } from './java.ts';
import { jarCacheDir, kafkaClassPath } from './local-kafka-jars.ts';
import { localKafkaProperties, type LocalKafkaNode, type OtherListener } from './local-kafka-properties.ts';
import { freePort, isPortFree } from './ports.ts';
import { projectRoot } from '../command-line/project-root.ts';
import { errorCode, UserError } from '../command-line/user-error.ts';

const run = promisify(execFile);
const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

export interface LocalKafkaOptions {
  /** The broker keeps everything in `<dataDir>/kafka`; a later start on the same directory finds it again. */
  readonly dataDir: string;
  /** Of 127.0.0.1. */
  readonly port: number;
  readonly log: Logger;
  /** Java's `-Xmx`, 512m by default. */
  readonly heap?: string;
  /** One of several nodes. It starts only when most of the voters do. By default it is a cluster of its own. */
  readonly node?: LocalKafkaNode;
  /** Broker properties that win over the usual ones. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly otherListeners?: Readonly<Record<string, OtherListener>>;
  /** More arguments of the storage tool, which formats a new directory. */
  readonly formatArguments?: readonly string[];
  /** More flags of the broker's Java. */
  readonly javaFlags?: readonly string[];
}

export interface LocalKafkaExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LocalKafka {
  /** One `host:port`. */
  readonly brokers: readonly [string];
  readonly port: number;
  /** Also the id of the broker's process group: a Ctrl-C in the terminal does not reach it. */
  readonly pid: number;
  /** Where the broker's own log is. */
  readonly logFile: string;
  /** Settles when the broker has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<LocalKafkaExit>;
  /** A clean stop: SIGTERM, then SIGKILL if it takes over 20 s. May be called again. */
  stop(): Promise<void>;
  /** A signal to the broker's process group. SIGKILL is the power cut of the tests; `await exited` afterwards. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a real Kafka (KRaft), a single node unless told otherwise, and resolves when it takes requests. The broker
 * stops by itself when this process dies. Throws a UserError when Java or Maven is missing, the port is in use, another
 * process holds the directory, or the broker refuses to start.
 */
export async function startLocalKafka(options: LocalKafkaOptions): Promise<LocalKafka> {
  const dir = resolve(options.dataDir, 'kafka');
  const java = await findJava();
  const classPath = await kafkaClassPath(options.log);
  const lock = await DataDirLock.acquire(dir);
  if (!(lock instanceof DataDirLock)) {
    throw new UserError(
      'DATA_DIR_IN_USE',
      `The directory ${options.dataDir} is in use by the local Kafka of process ${lock.heldBy}: stop that one, ` +
        `or set DATA_DIR to another directory.`,
    );
  }
  try {
    if (!(await isPortFree(options.port))) {
      throw new UserError(
        'PORT_IN_USE',
        `Port ${options.port} of 127.0.0.1 is in use: set LOCAL_KAFKA_PORT to another port, or KAFKA_BROKERS ` +
          `to use the Kafka that listens there.`,
      );
    }
    const archive = await sharedClasses(java, classPath);
    const properties = join(dir, 'server.properties');
    const logDir = join(dir, 'log');
    const formatted = existsSync(join(logDir, 'meta.properties'));
    const cleanShutdown = !formatted || existsSync(join(logDir, '.kafka_cleanshutdown'));
    const node = options.node ?? {
      id: 1,
      clusterId: newClusterId(),
      controllerPorts: new Map([[1, await freePort()]]),
    };
    await writeFile(
      properties,
      localKafkaProperties(
        {
          port: options.port,
          node,
          logDir,
          cleanShutdown,
          ...(options.otherListeners === undefined ? {} : { others: options.otherListeners }),
        },
        options.properties,
      ),
    );
    if (!formatted) await format(java, classPath, archive, properties, node.clusterId, options.formatArguments ?? []);
    return await launch(options, { port: options.port, dir, java, classPath, archive, properties, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Formats the storage of a single node under `<dataDir>/kafka` and starts nothing. A copy of what it leaves is taken
 * for a new directory by `startLocalKafka`, which then needs no Java process of its own to format it.
 */
export async function formatLocalKafka(dataDir: string, log: Logger): Promise<void> {
  const dir = resolve(dataDir, 'kafka');
  const logDir = join(dir, 'log');
  const java = await findJava();
  const classPath = await kafkaClassPath(log);
  const properties = join(dir, 'server.properties');
  const node = { id: 1, controllerPorts: new Map([[1, await freePort()]]) };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(properties, localKafkaProperties({ port: await freePort(), node, logDir, cleanShutdown: true }));
  await format(java, classPath, await sharedClasses(java, classPath), properties, newClusterId(), []);
  // A broker that finds no such mark takes its predecessor for killed.
  await writeFile(join(logDir, '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":-1}');
}

/** Java's archive of loaded classes halves the start. The first broker to stop writes it; later ones map it. */
interface SharedClasses {
  readonly file: string;
  readonly written: boolean;
}

async function sharedClasses(java: Java, classPath: string): Promise<SharedClasses> {
  const key = createHash('sha256').update(java.build).update(classPath).digest('hex').slice(0, 16);
  const file = join(jarCacheDir, `classes-${key}.jsa`);
  return { file, written: existsSync(file) };
}

/** 16 bytes in URL-safe base64; the storage tool takes a leading dash for an option. */
export function newClusterId(): string {
  let clusterId: string;
  do clusterId = randomBytes(16).toString('base64url');
  while (clusterId.startsWith('-'));
  return clusterId;
}

async function format(
  java: Java,
  classPath: string,
  archive: SharedClasses,
  properties: string,
  clusterId: string,
  more: readonly string[],
): Promise<void> {
  const flags = archive.written ? [`-XX:SharedArchiveFile=${archive.file}`] : [];
  const tool = [
    ...flags,
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    clusterId,
    '--config',
    properties,
    ...more,
  ];
  await run(java.path, tool, { env: javaEnvironment() }).catch((error: unknown) => {
    const output =
      typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
    throw new UserError('KAFKA_FORMAT_FAILED', `Kafka could not format its storage: ${lastLine(output)}`);
  });
}

interface Launch {
  readonly port: number;
  readonly dir: string;
  readonly java: Java;
  readonly classPath: string;
  readonly archive: SharedClasses;
  readonly properties: string;
  readonly lock: DataDirLock;
}

async function launch(options: LocalKafkaOptions, at: Launch): Promise<LocalKafka> {
  const logFile = join(at.dir, 'broker.log');
  await rename(logFile, `${logFile}.1`).catch(() => undefined);
  const freshArchive = `${at.archive.file}.${process.pid}.${options.port}`;
  await mkdir(jarCacheDir, { recursive: true });
  const log = await open(logFile, 'a');
  const child = spawn(
    'sh',
    [
      join(projectRoot, 'tools/launcher/guard.sh'),
      at.java.path,
      `-Xmx${options.heap ?? '512m'}`,
      ...(options.javaFlags ?? []),
      at.archive.written ? `-XX:SharedArchiveFile=${at.archive.file}` : `-XX:ArchiveClassesAtExit=${freshArchive}`,
      '-XX:+ExitOnOutOfMemoryError',
      '-Djava.awt.headless=true',
      '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn',
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
      '-cp',
      at.classPath,
      'kafka.Kafka',
      at.properties,
    ],
    { cwd: at.dir, env: javaEnvironment(), detached: true, stdio: ['pipe', log.fd, log.fd] },
  );
  await log.close();
  // The pipe carries nothing: that it closes when this process dies is what tells the guard.
  child.stdin?.on('error', () => undefined);

  const exited = new Promise<LocalKafkaExit>((done) => {
    child.once('error', () => done({ code: 127, signal: null }));
    child.once('exit', (code, signal) => {
      child.stdin?.destroy();
      void settle(at, child.pid, freshArchive, code).then(() => done({ code, signal }));
    });
  });
  const pid = child.pid;
  if (pid === undefined) throw new UserError('KAFKA_FAILED', 'The local Kafka could not be started: sh does not run.');
  await at.lock.noteBroker(pid);
  await untilStarted(child, exited, logFile);

  return {
    brokers: [`127.0.0.1:${options.port}`],
    port: options.port,
    pid,
    logFile,
    exited,
    kill: (signal) => signalGroup(pid, signal),
    stop: () => stopGroup(pid, child, exited),
  };
}

async function settle(at: Launch, pid: number | undefined, freshArchive: string, code: number | null): Promise<void> {
  // A SIGKILL to the group ends the guard at once, while Java still gives its memory and its port back. Ended processes
  // that nobody has asked about yet count as a group, for seconds: the port tells sooner.
  const deadline = performance.now() + 5_000;
  while (pid !== undefined && groupExists(pid) && !(await isPortFree(at.port)) && performance.now() < deadline)
    await sleep(20);
  // Java answers a SIGTERM with 143 once its shutdown hooks and the archive are done: only then is the archive whole.
  const whole = code === 143 && existsSync(freshArchive) && (await stat(freshArchive)).size > 0;
  if (whole) await rename(freshArchive, at.archive.file).catch(() => undefined);
  else await rm(freshArchive, { force: true });
  await at.lock.release();
}

async function untilStarted(child: ChildProcess, exited: Promise<LocalKafkaExit>, logFile: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  for (;;) {
    const text = await readFile(logFile, 'utf8').catch(() => '');
    if (text.includes('Kafka Server started')) return;
    if (ended)
      throw new UserError(
        'KAFKA_FAILED',
        `The local Kafka ended while it started: ${failureLine(text)} (see ${logFile})`,
      );
    if (performance.now() > deadline) {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      await exited;
      throw new UserError(
        'KAFKA_FAILED',
        `The local Kafka did not start within ${startTimeoutMs / 1000} s (see ${logFile})`,
      );
    }
    await sleep(25);
  }
}

async function stopGroup(pid: number, child: ChildProcess, exited: Promise<LocalKafkaExit>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const killer = setTimeout(() => signalGroup(pid, 'SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(killer);
}

function groupExists(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

function failureLine(log: string): string {
  const lines = log.split('\n');
  const fatal = lines.find((line) => /ERROR|Exception/.test(line));
  return (fatal ?? lastLine(log)).trim();
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
