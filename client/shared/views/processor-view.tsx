import {
  formatAge,
  formatAgo,
  formatCount,
  formatMoment,
  formatRate,
  formatShare,
  NONE,
  plural,
  shareOf,
} from '../format.ts';
import { recordsPerSecondOf } from '../api/processor.ts';
import { movedAgoMs } from '../state/task-moves.ts';
import { TaskMap } from './task-map.tsx';
import type { ComponentChildren, JSX } from 'preact';
import type { Instance, Processor, Task } from '../api/processor.ts';
import type { TaskHome } from '../state/task-moves.ts';

function RestoreCell({ restore }: { restore: Task['restore'] }): JSX.Element {
  if (!restore) return <>{NONE}</>;
  const share = shareOf(restore.restored, restore.total) ?? 1;
  return (
    <span class="restore">
      <progress max={Math.max(1, restore.total)} value={restore.restored} aria-label="Restored" />
      {formatShare(share)}
      <span class="quiet">
        {formatCount(restore.restored)} of {formatCount(restore.total)}
        {restore.remainingMs === null ? '' : `, about ${formatAge(restore.remainingMs)} left`}
      </span>
    </span>
  );
}

function TaskRow({ task, home, now }: { task: Task; home: TaskHome | undefined; now: number }): JSX.Element {
  const movedMs = movedAgoMs(home, now);
  const moved = movedMs !== null;
  return (
    <tr data-task={task.id} data-moved={moved}>
      <th scope="row">
        <code>{task.id}</code> {task.role === 'STANDBY' && <span class="quiet">standby</span>}
        {moved && (
          <span class="moved">
            moved here {formatAgo(movedMs)}
            {home?.from ? ` from ${home.from.slice(0, 8)}` : ''}
          </span>
        )}
      </th>
      <td>
        <span class="task-state" data-task-state={task.state}>
          {task.state.toLowerCase()}
        </span>
      </td>
      <td>
        {task.inputs.length === 0
          ? NONE
          : task.inputs.map((input) => (
              <code key={input} class="input">
                {input}
              </code>
            ))}
      </td>
      <td class="number">{formatCount(task.lag)}</td>
      <td>
        <RestoreCell restore={task.restore} />
      </td>
    </tr>
  );
}

function InstanceBlock({
  instance,
  homes,
  now,
}: {
  instance: Instance;
  homes: ReadonlyMap<string, TaskHome>;
  now: number;
}): JSX.Element {
  const tasks = instance.tasks.toSorted((a, b) =>
    a.role === b.role ? a.id.localeCompare(b.id, 'en', { numeric: true }) : a.role === 'ACTIVE' ? -1 : 1,
  );
  return (
    <article
      class="instance"
      aria-label={`Instance ${instance.id}`}
      data-instance={instance.id}
      data-alive={instance.alive}
    >
      <div class="instance-head">
        <h3>
          {instance.host} <code class="quiet">{instance.id}</code>
        </h3>
        <p class="instance-state">
          <span class="dot" aria-hidden="true" />
          {instance.alive ? 'Alive' : 'Not heard of'}
          <span class="quiet">, reported {formatAgo(now - Date.parse(instance.reportedAt))}</span>
        </p>
      </div>
      <dl class="facts">
        <div>
          <dt>Records a second</dt>
          <dd>{formatRate(instance.recordsPerSecond)}</dd>
        </div>
        <div>
          <dt>Threads</dt>
          <dd>{instance.threads}</dd>
        </div>
        <div>
          <dt>Tasks</dt>
          <dd>{tasks.length}</dd>
        </div>
        <div>
          <dt>Started</dt>
          <dd>{formatMoment(instance.startedAt, now)}</dd>
        </div>
      </dl>
      {tasks.length > 0 && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={`Tasks of ${instance.host}, ${instance.id}`}>
          <table class="data-table tasks">
            <caption class="unseen">Tasks of instance {instance.id}</caption>
            <thead>
              <tr>
                <th scope="col">Task</th>
                <th scope="col">State</th>
                <th scope="col">Reads</th>
                <th scope="col" class="number">
                  Lag
                </th>
                <th scope="col">Restore</th>
              </tr>
            </thead>
            <tbody>
              {tasks.map((task) => {
                const home = homes.get(task.id);
                return (
                  <TaskRow
                    key={`${task.id} ${task.role}`}
                    task={task}
                    home={task.role === 'ACTIVE' && home?.instanceId === instance.id ? home : undefined}
                    now={now}
                  />
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </article>
  );
}

function Summary({ processor }: { processor: Processor }): JSX.Element {
  const alive = processor.instances.filter((instance) => instance.alive);
  const threads = alive.reduce((sum, instance) => sum + instance.threads, 0);
  return (
    <dl class="facts facts-large">
      <div>
        <dt>Instances</dt>
        <dd>{alive.length}</dd>
      </div>
      <div>
        <dt>Threads</dt>
        <dd>{threads}</dd>
      </div>
      <div>
        <dt>Records a second</dt>
        <dd>{formatRate(recordsPerSecondOf(processor))}</dd>
      </div>
      <div>
        <dt>Lag</dt>
        <dd>{processor.lag === null ? 'not known' : plural(processor.lag, 'record')}</dd>
      </div>
      <div>
        <dt>Guarantee</dt>
        <dd>{processor.guarantee.replaceAll('_', ' ')}</dd>
      </div>
      <div>
        <dt>Application</dt>
        <dd>
          <code>{processor.applicationId}</code>
        </dd>
      </div>
    </dl>
  );
}

interface ProcessorViewProps {
  readonly processor: Processor;
  readonly homes: ReadonlyMap<string, TaskHome>;
  /** Epoch milliseconds. */
  readonly now: number;
  /** What to do where no processor reports. */
  readonly noneReports: ComponentChildren;
}

/** Who runs what: instances, their tasks, and how far behind each is. */
export function ProcessorView({ processor, homes, now, noneReports }: ProcessorViewProps): JSX.Element {
  return (
    <>
      <Summary processor={processor} />
      <TaskMap instances={processor.instances} homes={homes} now={now} />
      {processor.instances.length === 0 && <p class="hint">{noneReports}</p>}
      {processor.instances.map((instance) => (
        <InstanceBlock key={instance.id} instance={instance} homes={homes} now={now} />
      ))}
    </>
  );
}
