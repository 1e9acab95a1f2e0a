/**
 * The rules of deploy/kubernetes/, read and not run: no cluster is asked for here. Names and forms that Kubernetes
 * itself knows are checked by its schemas: manifest-schemas.test.ts.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseStreamsConfig } from '@tributary/streams';
import { parseEnvironment } from '../../processor/logins/environment.ts';
import { API_NODE_FLAGS } from '../../tools/one-machine/api-node-flags.ts';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { page, tableRows } from '../support/markdown.ts';

const text = (...path: string[]): string => readFileSync(join(projectRoot, ...path), 'utf8');
const manifest = (file: string): string => text('deploy', 'kubernetes', file);
const files = readdirSync(join(projectRoot, 'deploy', 'kubernetes'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replaceAll('\\', '/'));

const resource = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
});
type Resource = z.infer<typeof resource>;

function resourcesOf(file: string): Resource[] {
  return parseAllDocuments(manifest(file)).map((document) => {
    expect(document.errors).toEqual([]);
    return resource.parse(document.toJS());
  });
}

const resources = files.filter((file) => file !== 'kustomization.yaml').flatMap(resourcesOf);

function one(kind: string, name: string): Resource {
  const [found, ...others] = resources.filter((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined || others.length > 0) throw new Error(`not one ${kind} ${name}`);
  return found;
}

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number(),
});
const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  imagePullPolicy: z.literal('IfNotPresent'),
  command: z.array(z.string()),
  envFrom: z.tuple([z.strictObject({ configMapRef: z.strictObject({ name: z.literal('tributary-settings') }) })]),
  env: z.array(
    z.strictObject({
      name: z.string(),
      value: z.string().optional(),
      valueFrom: z
        .union([
          z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.enum(['password', 'token']) }) }),
          z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.literal('metadata.name') }) }),
        ])
        .optional(),
    }),
  ),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })),
  lifecycle: z.strictObject({ preStop: z.strictObject({ sleep: z.strictObject({ seconds: z.number() }) }) }).optional(),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
});
const podSpec = z.strictObject({
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.looseObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.literal(1000),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  topologySpreadConstraints: z.array(z.looseObject({ topologyKey: z.literal('kubernetes.io/hostname') })),
  containers: z.tuple([container]),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const workload = z.looseObject({
  spec: z.looseObject({
    replicas: z.number(),
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.strictObject({
      metadata: z.strictObject({ labels: z.record(z.string(), z.string()) }),
      spec: podSpec,
    }),
    volumeClaimTemplates: z.array(z.looseObject({ metadata: z.strictObject({ name: z.string() }) })).default([]),
  }),
});

const parts = {
  processor: workload.parse(one('StatefulSet', 'tributary-processor')).spec,
  api: workload.parse(one('Deployment', 'tributary-api')).spec,
};
const names = ['processor', 'api'] as const;
const { data: settings } = z
  .looseObject({ data: z.record(z.string(), z.string()) })
  .parse(one('ConfigMap', 'tributary-settings'));

const podOf = (name: 'processor' | 'api') => parts[name].template.spec;
const containerOf = (name: 'processor' | 'api') => podOf(name).containers[0];
/** A secret is any text of enough signs. */
const SECRET = 'secret-of-20-signs-or-more';
/** The first pod of a StatefulSet. */
const POD = 'tributary-processor-0';
/** What the process is started with, in the first pod. */
const environmentOf = (name: 'processor' | 'api'): Record<string, string> => {
  const environment: Record<string, string> = { ...settings };
  for (const { name: variable, value, valueFrom } of containerOf(name).env) {
    // Kubernetes puts in what stands above, and leaves what does not as it is.
    if (value !== undefined)
      environment[variable] = value.replaceAll(/\$\((\w+)\)/g, (text, other: string) => environment[other] ?? text);
    else environment[variable] = valueFrom !== undefined && 'fieldRef' in valueFrom ? POD : SECRET;
  }
  return environment;
};
/** Of the pod's own, for the manifest alone. */
const OWN_VARIABLES = ['NODE_OPTIONS', 'POD_NAME'];
const secretOf = (name: 'processor' | 'api', variable: string) => {
  const from = containerOf(name).env.find((each) => each.name === variable)?.valueFrom;
  return from !== undefined && 'secretKeyRef' in from ? from.secretKeyRef : undefined;
};
const mebibytes = (quantity: string): number => {
  const [, figure = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  return Number(figure) * (unit === 'Gi' ? 1024 : 1);
};
const constant = (file: string, name: string): number =>
  Number(new RegExp(`${name} = ([\\d_]+)`).exec(text(file))?.[1]?.replaceAll('_', ''));

describe('the files', () => {
  test('are all named by the kustomization, or are an option that its comment names', () => {
    const { resources: listed, images } = z
      .looseObject({
        resources: z.array(z.string()),
        images: z.tuple([z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })]),
      })
      .parse(parse(manifest('kustomization.yaml')));
    for (const file of listed) expect(files).toContain(file);
    const others = files.filter((file) => file !== 'kustomization.yaml' && !listed.includes(file));
    const comment = manifest('kustomization.yaml').replaceAll(/^[^#].*$/gm, '');
    for (const file of others) expect(comment).toContain(file.replace('options/', ''));
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(text('package.json')));
    expect(images[0]).toEqual({ name: 'tributary', newName: 'tributary', newTag: version });
    for (const name of names) expect(containerOf(name).image).toBe(`tributary:${version}`);
  });

  test('name no image without a version, and none as latest', () => {
    for (const file of files)
      expect(manifest(file).replaceAll(/#.*/g, '')).not.toMatch(/image:\s+\S+(?::latest|[^:\d]+)$/m);
  });

  test('hold no secret', () => {
    expect(resources.map(({ kind }) => kind)).not.toContain('Secret');
    for (const name of names)
      for (const { name: variable, value, valueFrom } of containerOf(name).env)
        expect({ variable, secret: /PASSWORD|TOKEN/.test(variable) }).toEqual({
          variable,
          secret: valueFrom !== undefined && 'secretKeyRef' in valueFrom && value === undefined,
        });
  });

  test('carry labels by which all of it is found', () => {
    for (const { metadata } of resources) expect(metadata.labels['app.kubernetes.io/part-of']).toBe('tributary');
  });
});

describe.each(names)('the %s', (name) => {
  const own = containerOf(name);

  test('is started with settings that there are, and that fit together', () => {
    const environment = environmentOf(name);
    const known = new Set(
      text('processor/logins/environment.ts')
        .match(/^ {2}[A-Z_]+(?=:)/gm)
        ?.map((line) => line.trim()),
    );
    expect(known.size).toBeGreaterThan(20);
    for (const variable of OWN_VARIABLES) known.add(variable);
    expect(Object.keys(environment).filter((variable) => !known.has(variable))).toEqual([]);
    // Without the file, which is in a secret of the cluster.
    const { KAFKA_CA_FILE: _, ...rest } = environment;
    const parsed = parseEnvironment(rest, false);
    expect(parsed).toMatchObject({ applicationId: 'tributary-logins', host: '0.0.0.0' });
    expect(parsed.kafka).toMatchObject({ sasl: expect.anything() });
  });

  test('is asked at paths that it answers, at its own port, and for what each is meant', () => {
    const paths = tableRows(page('docs/operations.md'), 'What to watch').map(([path]) => path);
    const { startupProbe, livenessProbe, readinessProbe, ports } = own;
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      expect(paths).toContain(httpGet.path);
      expect(httpGet.port).toBe(ports[0]?.name);
    }
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/health',
      '/health',
      '/ready',
    ]);
    const environment = environmentOf(name);
    expect(Object.fromEntries(ports.map((port) => [port.name, String(port.containerPort)]))).toEqual(
      name === 'api'
        ? { http: environment['PORT'] }
        : { health: environment['PROCESSOR_PORT'], query: environment['QUERY_LISTENER_PORT'] },
    );
  });

  test('runs the command of the compose file, with the rights of the compose file', () => {
    const { services } = z
      .object({ services: z.record(z.string(), z.looseObject({ command: z.array(z.string()).optional() })) })
      .parse(parse(text('docker-compose.yml'), { merge: true }));
    expect(own.command).toEqual(services[name]?.command);
    expect(own.volumeMounts.find(({ mountPath }) => mountPath === '/tmp')?.name).toBe('temporary');
  });

  test('has the time to stop that it takes for itself, and for what comes before it', () => {
    const seconds = podOf(name).terminationGracePeriodSeconds - (own.lifecycle?.preStop.sleep.seconds ?? 0);
    const takesMs =
      name === 'api'
        ? constant('schema/logins/main.ts', 'STOP_WITHIN_MS')
        : constant('processor/logins/main.ts', 'CLOSE_TIMEOUT_MS');
    expect(seconds * 1_000).toBeGreaterThan(takesMs);
  });

  test('mounts only volumes that it has, and each of them', () => {
    const has = [
      ...podOf(name).volumes.map((volume) => volume.name),
      ...parts[name].volumeClaimTemplates.map((claim) => claim.metadata.name),
    ];
    expect(own.volumeMounts.map((mount) => mount.name).toSorted()).toEqual(has.toSorted());
    const caFile = environmentOf(name)['KAFKA_CA_FILE'];
    expect(caFile).toBe(`${own.volumeMounts.find((mount) => mount.name === 'kafka-ca')?.mountPath ?? ''}/ca.crt`);
  });

  test('is found by its service, its budget and its monitor', () => {
    const { labels } = parts[name].template.metadata;
    expect(parts[name].selector.matchLabels).toEqual({ 'app.kubernetes.io/name': `tributary-${name}` });
    expect(labels).toMatchObject(parts[name].selector.matchLabels);
    const service = z
      .looseObject({
        spec: z.looseObject({
          selector: z.record(z.string(), z.string()),
          ports: z.array(z.strictObject({ name: z.string(), port: z.number(), targetPort: z.string() })),
        }),
      })
      .parse(one('Service', name === 'api' ? 'tributary-api' : 'tributary-processors'));
    expect(labels).toMatchObject(service.spec.selector);
    for (const { targetPort, port } of service.spec.ports)
      expect(own.ports).toContainEqual({ name: targetPort, containerPort: port });
    const selected = z.looseObject({
      spec: z.looseObject({ selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }) }),
    });
    for (const kind of ['PodDisruptionBudget', 'PodMonitor'])
      expect(labels).toMatchObject(selected.parse(one(kind, `tributary-${name}`)).spec.selector.matchLabels);
    expect(one('PodDisruptionBudget', `tributary-${name}`)['spec']).toMatchObject({ maxUnavailable: 1 });
    expect(one('PodMonitor', `tributary-${name}`)['spec']).toMatchObject({
      podMetricsEndpoints: [{ port: own.ports[0]?.name, path: '/metrics' }],
    });
    expect(parts[name].replicas).toBeGreaterThan(1);
  });
});

describe('the processor', () => {
  test('keeps its stores on a volume of its own, where it looks for them', () => {
    const { STATE_DIR: stateDir } = environmentOf('processor');
    expect(parts.processor.volumeClaimTemplates.map(({ metadata }) => metadata.name)).toEqual(['state']);
    expect(containerOf('processor').volumeMounts).toContainEqual({ name: 'state', mountPath: stateDir });
    expect(text('Dockerfile')).toContain(`STATE_DIR=${stateDir ?? ''}`);
    expect(podOf('processor').securityContext).toMatchObject({ fsGroup: 1000 });
  });

  test('is not killed while the runtime still replaces a failed thread by itself', () => {
    const { threadReplacements, threadReplaceBackoffMs } = parseStreamsConfig({ applicationId: 'a', stateDir: 's' });
    const longestMs = constant('processor/streams/thread/supervisor.ts', 'MAX_BACKOFF_MS');
    const waitedMs = Array.from({ length: threadReplacements }, (_, failure) =>
      Math.min(threadReplaceBackoffMs * 2 ** failure, longestMs),
    ).reduce((sum, backoffMs) => sum + backoffMs, 0);
    const { periodSeconds, failureThreshold } = containerOf('processor').livenessProbe;
    expect(periodSeconds * failureThreshold * 1_000).toBeGreaterThan(waitedMs);
  });

  test('has a name in the network that nobody waits for', () => {
    expect(one('Service', 'tributary-processors')['spec']).toMatchObject({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    });
    expect(parts.processor['serviceName']).toBe('tributary-processors');
  });

  test('answers queries at a name of its own in the headless service, at a port of that service', () => {
    const { queryListener } = parseEnvironment({ ...environmentOf('processor'), KAFKA_CA_FILE: '' }, false);
    expect(queryListener).toMatchObject({
      host: '0.0.0.0',
      advertisedHost: `${POD}.${String(parts.processor['serviceName'])}`,
    });
    expect(queryListener).not.toHaveProperty('advertisedPort');
    expect(one('Service', 'tributary-processors')['spec']).toMatchObject({
      ports: expect.arrayContaining([{ name: 'query', port: queryListener?.port, targetPort: 'query' }]),
    });
    const { name = '', key = '' } = secretOf('processor', 'QUERY_LISTENER_TOKEN') ?? {};
    expect(text('docs/kubernetes.md')).toContain(`kubectl create secret generic ${name} --from-literal=${key}=`);
  });

  test('is reached for queries by APIs alone, and for its health by everybody', () => {
    const { podSelector, policyTypes, ingress } = z
      .strictObject({
        podSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
        policyTypes: z.tuple([z.literal('Ingress')]),
        ingress: z.array(z.looseObject({ ports: z.array(z.strictObject({ protocol: z.string(), port: z.string() })) })),
      })
      .parse(one('NetworkPolicy', 'tributary-processor')['spec']);
    expect(parts.processor.template.metadata.labels).toMatchObject(podSelector.matchLabels);
    expect(policyTypes).toEqual(['Ingress']);
    expect(ingress).toEqual([
      { ports: [{ protocol: 'TCP', port: 'health' }] },
      {
        from: [{ podSelector: { matchLabels: parts.api.selector.matchLabels } }],
        ports: [{ protocol: 'TCP', port: 'query' }],
      },
    ]);
  });

  test('has the memory that docs/scaling.md measured, and standbys', () => {
    const peaks = [...(text('docs/scaling.md').split('\n## Memory\n')[1] ?? '').matchAll(/(\d+) to (\d+)/g)];
    const [moderate = 0, most = 0] = peaks.map(([, , peak]) => Number(peak)).toSorted((a, b) => a - b);
    const { requests, limits } = containerOf('processor').resources;
    expect(most).toBeGreaterThan(moderate);
    expect(mebibytes(requests.memory)).toBeGreaterThan(moderate);
    expect(mebibytes(limits.memory)).toBeGreaterThan(most);
    expect(environmentOf('processor')['NUM_STANDBY_REPLICAS']).toBe('1');
  });
});

describe('the API', () => {
  test('runs Node as elsewhere, and may use what its heap may take', () => {
    const flags = environmentOf('api')['NODE_OPTIONS'] ?? '';
    expect(flags).toBe(API_NODE_FLAGS.join(' '));
    const heap = Number(/--max-old-space-size=(\d+)/.exec(flags)?.[1]);
    expect(mebibytes(containerOf('api').resources.limits.memory)).toBeGreaterThan(heap + 256);
  });

  test('is asked by the name of its service', () => {
    expect(environmentOf('api')['ALLOWED_HOSTS']?.split(',')).toContain('tributary-api');
    expect(one('Deployment', 'tributary-api')['spec']).toMatchObject({
      strategy: { rollingUpdate: { maxUnavailable: 0 } },
    });
  });
});

describe('options/strimzi.yaml', () => {
  const acls = z.looseObject({
    spec: z.strictObject({
      authentication: z.strictObject({ type: z.literal('scram-sha-512') }),
      authorization: z.strictObject({
        type: z.literal('simple'),
        acls: z.array(
          z.strictObject({
            resource: z.strictObject({ type: z.string(), name: z.string(), patternType: z.string() }),
            operations: z.array(z.string()),
          }),
        ),
      }),
    }),
  });
  const rightsOf = (user: string): string[] =>
    acls
      .parse(one('KafkaUser', user))
      .spec.authorization.acls.map(
        ({ resource: { type, name, patternType }, operations }) =>
          `${type} ${name}${patternType === 'prefix' ? '*' : ''}: ${operations.join(' ').toUpperCase()}`,
      );
  const applicationId = settings['APPLICATION_ID'] ?? '';

  test('has the topics that the settings name, and no internal one', () => {
    expect(resources.filter(({ kind }) => kind === 'KafkaTopic').map(({ metadata }) => metadata.name)).toEqual([
      settings['INPUT_TOPIC'],
      settings['DEAD_LETTER_TOPIC'],
    ]);
  });

  test('gives each user the rights of docs/operations.md, without those of making what is there', () => {
    const documented = (part: string, from: string): string[] => {
      const rows = tableRows(page('docs/operations.md'), 'Access lists');
      const at = rows.findIndex(([name]) => name === part);
      const end = rows.findIndex(([name], index) => index > at && name !== '');
      return rows.slice(at, end === -1 ? undefined : end).map(([, on = '', may = '']) => {
        const name = on
          .replaceAll('`', '')
          .replace('INPUT_TOPIC', settings['INPUT_TOPIC'] ?? from)
          .replace('DEAD_LETTER_TOPIC', settings['DEAD_LETTER_TOPIC'] ?? from)
          .replace(/<APPLICATION_ID>|APPLICATION_ID/, applicationId)
          .replace(/^topics that begin with (.*)$/, 'topic $1*')
          .replace(/^transactional ids that begin with (.*)$/, 'transactionalId $1*');
        const operations = may.replace(/; CREATE where.*$/, '').match(/\b[A-Z]+\b/g) ?? [];
        return `${name}: ${operations.join(' ')}`;
      });
    };
    expect(rightsOf('tributary-processor')).toEqual(documented('processor', ''));
    expect(rightsOf('tributary-api')).toEqual(documented('API', ''));
  });

  test('names the users as whom processors and APIs come, and whose passwords they read', () => {
    for (const name of names) {
      const user = environmentOf(name)['KAFKA_SASL_USERNAME'] ?? '';
      one('KafkaUser', user);
      expect(secretOf(name, 'KAFKA_SASL_PASSWORD')).toEqual({ name: user, key: 'password' });
    }
  });
});

describe('options/keda.yaml', () => {
  test('scales the processors by the lag of their own group and input, and never to none', () => {
    const { spec } = z
      .looseObject({
        spec: z.looseObject({
          scaleTargetRef: z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
          minReplicaCount: z.number(),
          maxReplicaCount: z.number(),
          triggers: z.tuple([z.looseObject({ type: z.literal('kafka'), metadata: z.record(z.string(), z.string()) })]),
        }),
      })
      .parse(one('ScaledObject', 'tributary-processor'));
    one(spec.scaleTargetRef.kind, spec.scaleTargetRef.name);
    expect(spec.triggers[0].metadata).toMatchObject({
      bootstrapServers: settings['KAFKA_BROKERS'],
      consumerGroup: settings['APPLICATION_ID'],
      topic: settings['INPUT_TOPIC'],
      sasl: settings['KAFKA_SASL_MECHANISM']?.replace('scram-sha-', 'scram_sha').replaceAll('-', '_'),
      tls: 'enable',
    });
    const { partitions } = z
      .looseObject({ spec: z.looseObject({ partitions: z.number() }) })
      .parse(one('KafkaTopic', 'user-login')).spec;
    const threads = Number(environmentOf('processor')['NUM_STREAM_THREADS']);
    expect(spec.minReplicaCount).toBeGreaterThanOrEqual(2);
    // Each partition is two tasks: the second half of the threads has the tasks behind the repartition.
    expect(spec.maxReplicaCount * threads).toBeLessThanOrEqual(partitions * 2);
  });

  test('comes to Kafka as the processor does', () => {
    const variables = containerOf('processor').env.map((variable) => variable.name);
    const { env } = z
      .looseObject({
        env: z.array(z.strictObject({ parameter: z.string(), name: z.string(), containerName: z.string() })),
      })
      .parse(one('TriggerAuthentication', 'tributary-processor')['spec']);
    for (const { name, containerName } of env) {
      expect(variables).toContain(name);
      expect(containerName).toBe(containerOf('processor').name);
    }
  });
});
