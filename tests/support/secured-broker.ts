import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { testPort } from './test-port.ts';
import { startTestBroker, type TestBroker } from './broker.ts';

const run = promisify(execFile);

/**
 * A broker with a door that speaks SASL_SSL with SCRAM-SHA-512, and access lists. Its usual door is the operator's: no
 * limits.
 */
export interface SecuredBroker {
  readonly broker: TestBroker;
  /** `localhost:port` of the secured door; its certificate says `localhost` and nothing else. */
  readonly secured: string;
  readonly port: number;
  /** PEM file of the authority that signed it. */
  readonly caFile: string;
  /** PEM file of another authority. */
  readonly strangersCaFile: string;
  stop(): Promise<void>;
}

/** `users`: names to passwords. Without an access list nobody may do anything. */
export async function startSecuredBroker(users: Readonly<Record<string, string>>): Promise<SecuredBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-tls-'));
  const port = await testPort();
  const caFile = await makeAuthority(folder, 'ca');
  const strangersCaFile = await makeAuthority(folder, 'stranger');
  const keystore = await signCertificate(folder, 'ca', 'localhost');
  const broker = await startTestBroker({
    otherListeners: { SECURED: { host: 'localhost', port, protocol: 'SASL_SSL' } },
    formatArguments: Object.entries(users).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${password}]`,
    ]),
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'listener.name.secured.ssl.keystore.type': 'PEM',
      'listener.name.secured.ssl.keystore.location': keystore,
      'listener.name.secured.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.secured.scram-sha-512.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    },
  });
  return {
    broker,
    secured: `localhost:${String(port)}`,
    port,
    caFile,
    strangersCaFile,
    stop: async () => {
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeAuthority(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.pem`);
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    join(folder, `${name}.key`),
    '-out',
    file,
  ]);
  return file;
}

/** A PEM file as Kafka takes it: key and certificate in one. */
async function signCertificate(folder: string, authority: string, host: string): Promise<string> {
  const path = (name: string): string => join(folder, name);
  await run('openssl', [
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${host}`,
    '-keyout',
    path('broker.key'),
    '-out',
    path('broker.csr'),
  ]);
  await writeFile(path('names'), `subjectAltName=DNS:${host}\n`);
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    path('broker.csr'),
    '-CA',
    path(`${authority}.pem`),
    '-CAkey',
    path(`${authority}.key`),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    path('names'),
    '-out',
    path('broker.crt'),
  ]);
  await writeFile(
    path('keystore.pem'),
    (await readFile(path('broker.key'), 'utf8')) + (await readFile(path('broker.crt'), 'utf8')),
  );
  return path('keystore.pem');
}
