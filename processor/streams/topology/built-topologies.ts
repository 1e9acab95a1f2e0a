import { pathToFileURL } from 'node:url';
import * as util from 'node:util';
import type { Topology } from './topology.ts';

/*
 * Functions do not cross threads, so each stream thread builds its topology itself: where one was built in the main
 * thread says what such a thread must load to build it again.
 */

/** Where a topology was built. Plain data. */
export interface TopologyOrigin {
  /** URL of the module whose loading, or something that it called, has built it. */
  readonly module: string;
  /** What it looks like: `describe()`. */
  readonly shape: string;
  /** How many of this shape were built by that module before. */
  readonly nth: number;
}

const MOST_FRAMES = 200;
const OWN_FILES = [import.meta.url, new URL('./streams-builder.ts', import.meta.url).href].map(withoutEnding);

const origins = new WeakMap<Topology, TopologyOrigin>();
const counts = new Map<string, number>();
const listeners = new Set<(topology: Topology, origin: TopologyOrigin) => void>();
let inStreamThread = false;

/** Notes where a topology is built. Returns it. */
export function noteBuilt(topology: Topology): Topology {
  const module = buildingModule();
  if (module === undefined) return topology;
  const shape = topology.describe('');
  const name = `${module} ${shape}`;
  const nth = counts.get(name) ?? 0;
  counts.set(name, nth + 1);
  const origin = { module, shape, nth };
  origins.set(topology, origin);
  for (const listener of listeners) listener(topology, origin);
  return topology;
}

/** Undefined for something that `build()` has not returned. */
export function originOf(topology: Topology): TopologyOrigin | undefined {
  return origins.get(topology);
}

/** From here on this thread is a stream thread. Calls `listener` for each topology that is built in it. */
export function listenInStreamThread(listener: (topology: Topology, origin: TopologyOrigin) => void): () => void {
  inStreamThread = true;
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A program that is loaded for its topology must not start itself anew. */
export function isStreamThread(): boolean {
  return inStreamThread;
}

/**
 * The outermost module of the user's in the stack, up to the first frame of Node's own: it is being loaded, or what it
 * has called is running.
 */
function buildingModule(): string | undefined {
  let module: string | undefined;
  // What was loaded, and not what it was compiled from.
  for (const { scriptName } of util.getCallSites(MOST_FRAMES, { sourceMap: false })) {
    if (scriptName.startsWith('node:')) break;
    // Functions of the language itself, such as `map`, have no file.
    if (scriptName === '') continue;
    const href = scriptName.includes('://') ? scriptName : pathToFileURL(scriptName).href;
    if (module === undefined && OWN_FILES.includes(withoutEnding(href))) continue;
    module = href;
  }
  return module;
}

/** Sources in a clone, JavaScript in the package that is installed. */
function withoutEnding(href: string): string {
  return href.replace(/\.[jt]s$/, '');
}
