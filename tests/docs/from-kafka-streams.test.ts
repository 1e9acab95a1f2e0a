/** docs/from-kafka-streams.md names nothing that is not there, and leaves out nothing of the DSL. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { parseStreamsConfig } from '@tributary/streams';
import { ERROR_TABLE } from '@tributary/streams/operations';
import { projectRoot } from '../../tools/command-line/project-root.ts';
import { codeBlocks, page, tableRows } from '../support/markdown.ts';

const guide = page('docs/from-kafka-streams.md');
const source = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
/** Made from the code, and held to it by tests/docs/api-reference.test.ts. */
const reference = ['streams', 'streams-testing', 'streams-schema-registry']
  .map((name) => source(`docs/api-reference/${name}.md`))
  .join('\n');

/** Where names are declared whose types the reference does not open. */
const WITHOUT_A_REFERENCE = ['kafka-streams-options.ts', 'topology/processor-context.ts'].map(
  (file) => `processor/streams/${file}`,
);

const PARTS = [
  'DSL',
  'Options of steps',
  'Windows and suppression',
  'Serdes',
  'Processor API',
  'State stores',
  'KafkaStreams',
  'Interactive queries',
  'TopologyTestDriver',
];

const spansOf = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
const rightSpans = (part: string): string[] => tableRows(guide, part).flatMap((cells) => spansOf(cells.at(-1)));

/** What stands for anything of the reader's own in a span. */
const FREE = new Set(
  (
    'a b c p q s k v n r ms topic stream table globalTable grouped streams builder topology rest right left key ' +
    'value record bytes prefix name supplier processor inner schema windows rows jsonSerde Date now true false break'
  ).split(' '),
);

describe('docs/from-kafka-streams.md', () => {
  test.each(PARTS)('%s: calls and options that there are', (part) => {
    const known = new Set(`${reference}${WITHOUT_A_REFERENCE.map(source).join('')}`.match(/[A-Za-z_]\w*/g));
    const words = rightSpans(part)
      // Texts are the reader's, and an error code has a test of its own.
      .map((span) => span.replaceAll(/'[^']*'/g, ''))
      .filter((span) => !/^[A-Z_]+$|^npm |^KSTREAM-/.test(span))
      .flatMap((span) => span.match(/[A-Za-z_]\w*/g) ?? []);
    expect(words.length).toBeGreaterThan(5);
    expect([...new Set(words)].filter((word) => !FREE.has(word) && !known.has(word))).toEqual([]);
  });

  test('calls are methods or functions', () => {
    const callable = new Set(
      [...reference.matchAll(/^#+ (?:new )?([a-zA-Z]+)\(\)\??$/gm), ...reference.matchAll(/^new (\w+)\(/gm)].map(
        ([, name = '']) => name,
      ),
    );
    const called = PARTS.flatMap(rightSpans)
      .map((span) => span.replaceAll(/'[^']*'/g, ''))
      .flatMap((span) => [...span.matchAll(/([A-Za-z]\w*)\(/g)].map(([, name = '']) => name));
    expect(called.length).toBeGreaterThan(50);
    expect([...new Set(called)].filter((name) => !callable.has(name) && name !== 'now')).toEqual([]);
  });

  test('every method of streams, tables, groupings and stores is there', () => {
    const methods = source('processor/streams/topology/dsl-types.ts').match(/^ {2}[a-zA-Z]+(?=[<(])/gm) ?? [];
    const ofStores = source('processor/streams/store/typed-store.ts')
      .split('/** A row as the runtime sees it')[0]
      ?.match(/^ {2}[a-zA-Z]+(?=\()/gm);
    const names = new Set([...methods, ...(ofStores ?? [])].map((name) => name.trim()));
    expect(names.size).toBeGreaterThan(40);
    const text = PARTS.flatMap(rightSpans).join('\n');
    expect([...names].filter((name) => !new RegExp(`\\b${name}\\(`).test(text))).toEqual([]);
  });

  test('settings have the names and the defaults that they have', () => {
    const rows = tableRows(guide, 'Settings').flatMap(([, , here = '', value = '']) => {
      const [name = ''] = spansOf(here);
      return name.startsWith('connection.') ||
        /^(startAt|timestampMs|key|deadLetterTopic|on[A-Z]\w+|inMemory)$/.test(name)
        ? []
        : [{ name, value }];
    });
    const defaults: Readonly<Record<string, unknown>> = parseStreamsConfig({ applicationId: 'a', stateDir: 's' });
    expect(rows.length).toBeGreaterThan(15);
    for (const { name, value } of rows)
      if (value !== '' && value !== "the brokers'")
        expect({ name, value }).toEqual({ name, value: String(defaults[name]) });
    const names = tableRows(page('docs/configuration.md'), 'The runtime').map(([name = '']) => name);
    expect(rows.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
  });

  test('metrics and error codes are those that there are', () => {
    const inCode = source('processor/streams/streams-metrics.ts');
    const metrics = [...new Set(guide.text.match(/tributary_[a-z_]*[a-z]/g))];
    expect(metrics.length).toBeGreaterThan(4);
    expect(metrics.filter((name) => !inCode.includes(`'${name}'`))).toEqual([]);

    const codes = new Set(tableRows(guide, 'Exceptions').flatMap(([, code]) => spansOf(code)));
    // Only kafkajs can be loaded as it is not meant to be.
    expect([...codes, 'KAFKAJS_NOT_MENDED'].toSorted()).toEqual(Object.keys(ERROR_TABLE).toSorted());
  });

  describe('leaves out nothing of Kafka Streams', () => {
    const names = z
      .object({
        calls: z.array(z.string()),
        settings: z.array(z.string()),
        exceptions: z.array(z.string()),
        metrics: z.array(z.string()),
      })
      .parse(JSON.parse(source('tests/docs/kafka-streams-names.json')));
    const spans = spansOf(guide.text.replaceAll(/^```[\s\S]*?^```/gm, ''));
    const words = new Set(spans.flatMap((span) => span.match(/[A-Za-z]\w*/g) ?? []));
    /** `sasl.*` stands for all that begins so; a metric's name goes on with what is measured of it, such as `-avg`. */
    const parts = spans.flatMap((span) => span.split(/[^\w.*-]+/)).filter((part) => /^[a-z][\w.-]{3,}/.test(part));
    const standsFor = (part: string): RegExp =>
      new RegExp(`^${part.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`);
    const isNamed = (name: string, goesOn = ''): boolean =>
      parts.some((part) => standsFor(part).test(name) || new RegExp(`^${name}${goesOn}$`).test(part));

    test('calls', () => {
      expect(names.calls.length).toBeGreaterThan(250);
      expect(names.calls.filter((call) => !words.has(call.split('.')[1] ?? ''))).toEqual([]);
    });

    test('settings, metrics and exceptions', () => {
      expect(names.settings.length).toBeGreaterThan(75);
      expect(names.settings.filter((name) => !isNamed(name))).toEqual([]);
      expect(names.metrics.filter((name) => !isNamed(name, '(-(avg|max|total|rate|ratio|latency))*'))).toEqual([]);
      expect(names.exceptions.filter((name) => !words.has(name))).toEqual([]);
    });
  });

  test('shows code of the examples', () => {
    const flat = (code: string): string => code.replaceAll(/\s+/g, '');
    const blocks = [...codeBlocks(guide, 'java'), ...codeBlocks(guide, 'ts')];
    expect(blocks).toHaveLength(2);
    for (const { file = '', code } of blocks) expect(flat(source(file))).toContain(flat(code));
  });
});
