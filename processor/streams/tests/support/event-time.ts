import { EventTime, type TimeLinks, type TimeSource } from '../../task/event-time.ts';
import type { SubTopology } from '../../topology/topology.ts';
import { RecordCollector } from '../../writing/record-collector.ts';

/** Of a task whose reports nobody waits for. */
export function linksTo(...sources: readonly TimeSource[]): TimeLinks {
  return { sources, reportsTo: [], isAwaited: false };
}

export interface EventTimeOfTest {
  readonly taskId: string;
  readonly subTopology: SubTopology;
  readonly links?: TimeLinks;
  readonly collector?: RecordCollector;
  /** The user's topics that the task reads. */
  readonly userInputs?: readonly string[];
}

/** The event time of a task that is no StreamTask: no records wait in it. */
export function eventTimeOf(options: EventTimeOfTest): EventTime {
  const { taskId, subTopology, links = linksTo(), collector = new RecordCollector(), userInputs = [] } = options;
  return new EventTime({
    taskId,
    subTopology,
    links,
    inputs: userInputs,
    userInputs,
    collector,
    read: () => {
      throw new Error('nothing waits here');
    },
    maxIdleMs: 0,
  });
}
