/** deploy/kubernetes/ and the alert rules, held to the schemas of Kubernetes and of what runs beside it there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../tools/command-line/project-root.ts';

const folder = join(projectRoot, 'tests', 'docs', 'manifest-schemas');
const manifests = join(projectRoot, 'deploy', 'kubernetes');
const text = (...path: string[]): string => readFileSync(join(...path), 'utf8');

const schemaFile = z.strictObject({
  of: z.string(),
  source: z.string(),
  licence: z.literal('Apache-2.0'),
  kinds: z.record(z.string(), z.looseObject({})),
  $defs: z.record(z.string(), z.looseObject({})),
});
const resource = z.looseObject({ apiVersion: z.string(), kind: z.string() });
type Resource = z.infer<typeof resource>;

const schemaFiles = readdirSync(folder).filter((name) => name.endsWith('.json'));
const kubernetes = schemaFiles.filter((name) => name.startsWith('kubernetes-'));
/** Patterns are Go's: what of them JavaScript has not is `(?i)` at the beginning. */
const regExp = Object.assign(
  (pattern: string, flags: string) =>
    new RegExp(pattern.replace('(?i)', ''), pattern.includes('(?i)') ? `${flags}i` : flags),
  { code: 'unused' },
);
const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, logger: false, code: { regExp } });

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
/** Under these a schema says more of a value whose fields are declared elsewhere. */
const MORE_OF_THE_SAME = new Set(['allOf', 'anyOf', 'oneOf', 'not']);

/** A cluster drops a field that nobody declares, in silence: here it is refused. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const strictly = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, MORE_OF_THE_SAME.has(name) ? value : strict(value)]),
  );
  const isOpen = 'additionalProperties' in schema || 'x-kubernetes-preserve-unknown-fields' in schema;
  const declares = 'properties' in schema && 'type' in schema && schema.type === 'object';
  return declares && !isOpen ? { ...strictly, additionalProperties: false } : strictly;
}

/** By `apiVersion kind`; one for each version of Kubernetes. */
const validators = new Map<string, { readonly of: string; readonly validate: ValidateFunction }[]>();
const newestDefs = new Map<string, unknown>();
for (const name of schemaFiles) {
  const { of, kinds, $defs } = schemaFile.parse(JSON.parse(text(folder, name)));
  for (const [def, schema] of Object.entries($defs)) newestDefs.set(def, schema);
  for (const [kind, schema] of Object.entries(kinds))
    validators.set(kind, [
      ...(validators.get(kind) ?? []),
      { of, validate: ajv.compile({ ...(strict(schema) as object), $defs: strict($defs) }) },
    ]);
}
const validateMetadata = ajv.compile({
  $ref: `#/$defs/${OBJECT_META}`,
  $defs: strict(Object.fromEntries(newestDefs)),
});

/** What is wrong with it, a line each. */
function problems(given: Resource): string[] {
  const found = validators.get(`${given.apiVersion} ${given.kind}`);
  if (found === undefined) return [`there is no schema of ${given.apiVersion} ${given.kind}`];
  return [...found, { of: 'metadata', validate: validateMetadata }].flatMap(({ of, validate }) => {
    validate(of === 'metadata' ? given['metadata'] : given);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${of}: ${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    );
  });
}

const resources = readdirSync(manifests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .flatMap((name) => parseAllDocuments(text(manifests, name)).map((document) => resource.parse(document.toJS())));
/** docs: the alert rules are the spec of a PrometheusRule. */
const alertRules: Resource = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'tributary' },
  spec: parse(text(projectRoot, 'deploy', 'prometheus', 'alerts.yml')) as unknown,
};
const all = [...resources, alertRules].map(
  (each) => [`${each.kind} ${z.object({ name: z.string() }).parse(each['metadata']).name}`, each] as const,
);

test.each(all)('%s is as its schema wants it', (_, each) => {
  expect(problems(each)).toEqual([]);
});

describe('a mistake is found', () => {
  const kinds = [...new Map(all.map(([, each]) => [each.kind, each])).entries()];

  test.each(kinds.filter(([, each]) => 'spec' in each))('a field that a %s does not have', (_, each) => {
    const spec = { ...(each['spec'] as object), nobodyKnows: 1 };
    expect(problems({ ...each, spec }).join('\n')).toContain('"additionalProperty":"nobodyKnows"');
  });

  test.each(kinds)('a wrong type in the metadata of a %s', (_, each) => {
    expect(problems({ ...each, metadata: { ...(each['metadata'] as object), labels: 'tributary' } })).not.toEqual([]);
  });

  test.each([
    ['StatefulSet', { spec: { replicas: '2' } }, '/spec/replicas'],
    ['KafkaTopic', { spec: { partitions: 0 } }, '/spec/partitions'],
    ['KafkaUser', { spec: { authentication: { type: 'scram-sha-1' } } }, '/spec/authentication/type'],
    ['ScaledObject', { spec: { triggers: [{ type: 'kafka' }] } }, '/spec/triggers/0'],
    ['TriggerAuthentication', { spec: { secretTargetRef: [{ parameter: 'ca' }] } }, '/spec/secretTargetRef/0'],
    ['PodMonitor', { spec: { podMetricsEndpoints: [{ port: 4100 }] } }, '/spec/podMetricsEndpoints/0/port'],
    ['PrometheusRule', { spec: { groups: [{ rules: [] }] } }, '/spec/groups/0'],
  ])('%s: a value that it does not take', (kind, part, path) => {
    const [, each] = kinds.find(([name]) => name === kind) ?? [];
    expect(problems({ ...(each as Resource), ...part }).join('\n')).toContain(path);
  });

  test('a kind or a version that has no schema', () => {
    expect(problems({ apiVersion: 'kafka.strimzi.io/v1beta1', kind: 'KafkaTopic', metadata: {} })).toEqual([
      'there is no schema of kafka.strimzi.io/v1beta1 KafkaTopic',
    ]);
  });
});

test('no schema is kept that nothing uses, and each is named with its source', () => {
  const used = new Set(all.map(([, { apiVersion, kind }]) => `${apiVersion} ${kind}`));
  expect([...validators.keys()].toSorted()).toEqual([...used].toSorted());
  const readme = text(folder, 'README.md');
  for (const name of schemaFiles) expect(readme).toContain(`\`${name}\``);
  const page = text(projectRoot, 'docs', 'kubernetes.md');
  for (const name of schemaFiles)
    expect(page).toContain(schemaFile.parse(JSON.parse(text(folder, name))).of.replace(/\.\d+$/, ''));
  expect(kubernetes.length).toBeGreaterThan(1);
});
