import type { Topology } from '@tributary/streams';
import { buildPrograms, type EndPlan } from './random-program.ts';

export interface ProgramTopologyOptions {
  readonly plans: readonly EndPlan[];
  /** Before the names of all topics. */
  readonly prefix: string;
}

/** Random programs as an application: the module that stream threads load. */
export function buildTopology({ plans, prefix }: ProgramTopologyOptions): Topology {
  return buildPrograms(plans, (name) => `${prefix}-${name}`);
}
