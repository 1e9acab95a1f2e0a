import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, StreamsError } from '../errors.ts';
import { textOf } from '../options.ts';
import { listenInStreamThread, type TopologyOrigin } from '../topology/built-topologies.ts';
import type { Topology } from '../topology/topology.ts';

/** How a thread comes to its topology. Plain data. */
export type TopologyPlace =
  /** URL of the module that exports `buildTopology(options)`. */
  { readonly module: string; readonly options: unknown } | { readonly origin: TopologyOrigin };

/** A module may build it a moment after it was loaded, in an async function that nobody waits for. */
const AFTER_LOADING_MS = 5_000;

/**
 * Imports the module of a topology and builds it, or what was built before in another thread.
 * @throws StreamsError CONFIG_INVALID, or what `buildTopology` throws.
 */
export async function loadTopology(place: TopologyPlace): Promise<Topology> {
  return 'origin' in place ? buildAgain(place.origin) : callBuildTopology(place.module, place.options);
}

async function callBuildTopology(module: string, options: unknown): Promise<Topology> {
  const { buildTopology } = (await import(module).catch((error: unknown) => {
    if (error instanceof StreamsError) throw error;
    throw new StreamsError('CONFIG_INVALID', `the topologyModule ${module} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    });
  })) as { buildTopology?: unknown };
  if (typeof buildTopology !== 'function')
    throw new StreamsError('CONFIG_INVALID', `the topologyModule ${module} exports no function buildTopology`);
  const topology = (buildTopology as (options: unknown) => unknown)(options);
  if (!isTopology(topology))
    throw new StreamsError(
      'CONFIG_INVALID',
      `buildTopology of ${module} returned ${textOf(topology)}, not a topology: return builder.build()`,
    );
  return topology;
}

/** In a stream thread: loads the module that has built the topology in the main thread, and waits for it to do so. */
async function buildAgain(wanted: TopologyOrigin, afterLoadingMs = AFTER_LOADING_MS): Promise<Topology> {
  const found = Promise.withResolvers<Topology>();
  const stop = listenInStreamThread((topology, { module, shape, nth }) => {
    if (module === wanted.module && shape === wanted.shape && nth === wanted.nth) found.resolve(topology);
  });
  const refused = (why: string): StreamsError =>
    new StreamsError(
      'CONFIG_INVALID',
      `the topology cannot be built in a stream thread, which loads the module that has built it, ${wanted.module}: ` +
        `${why}. Call build() while that module is loaded, not later, or give topologyModule, the URL of a module ` +
        `that exports buildTopology(options)`,
    );
  const loading = import(wanted.module).then(
    async () => {
      await sleep(afterLoadingMs, undefined, { ref: false });
      throw refused('it was loaded, and did not build it');
    },
    (error: unknown) => {
      throw refused(`it cannot be loaded (${messageOf(error)})`);
    },
  );
  try {
    return await Promise.race([found.promise, loading]);
  } finally {
    stop();
    // What the program does after that is its own affair.
    loading.catch(() => undefined);
  }
}

export function isTopology(topology: unknown): topology is Topology {
  return typeof topology === 'object' && topology !== null && 'subTopologies' in topology;
}
