import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { projectRoot } from '../tools/command-line/project-root.ts';
import { BenchProcess } from './bench-process.ts';
import type { EventWriterOptions } from './processes/event-writer.ts';
import type { KafkajsConsumerOptions } from './processes/kafkajs-consumer.ts';
import type { ScannerOptions } from './processes/scanner.ts';
import type { TopologyProcessOptions } from './processes/topology.ts';

export const PRODUCT_TOPOLOGY = 'processor/logins/topology.ts';

/** `topology`: a file of the project that exports `buildTopology`. */
export function startTopology(
  topology: string,
  options: Omit<TopologyProcessOptions, 'topologyModule' | 'deadLetterTopic'>,
): BenchProcess {
  const whole: TopologyProcessOptions = {
    ...options,
    topologyModule: pathToFileURL(join(projectRoot, topology)).href,
    deadLetterTopic: `${options.applicationId}-dlq`,
  };
  return startNode('bench/processes/topology.ts', whole);
}

export function startScanner(options: ScannerOptions): BenchProcess {
  return startNode('bench/processes/scanner.ts', options);
}

export function startKafkajsConsumer(options: KafkajsConsumerOptions): BenchProcess {
  return startNode('bench/processes/kafkajs-consumer.ts', options);
}

export function startEventWriter(options: EventWriterOptions): BenchProcess {
  return startNode('bench/processes/event-writer.ts', options);
}

/** `BENCH_NODE_FLAGS` goes to Node, e.g. `--cpu-prof`: the profile of a contender is the first thing to ask for. */
function startNode(file: string, options: object): BenchProcess {
  const flags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  return new BenchProcess(process.execPath, [...flags, join(projectRoot, file), JSON.stringify(options)]);
}
