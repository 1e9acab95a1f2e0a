import { plural } from '../format.ts';
import { movedAgoMs } from '../state/task-moves.ts';
import type { JSX } from 'preact';
import type { Instance, Task } from '../api/processor.ts';
import type { TaskHome } from '../state/task-moves.ts';

interface TaskMapProps {
  readonly instances: readonly Instance[];
  readonly homes: ReadonlyMap<string, TaskHome>;
  readonly now: number;
}

/** What a cell looks like, and what it is called. */
function markOf(task: Task | undefined): { mark: string; word: string } {
  if (!task) return { mark: '', word: '' };
  if (task.role === 'STANDBY') return { mark: 'standby', word: 'standby' };
  return task.state === 'RUNNING'
    ? { mark: 'running', word: 'running' }
    : { mark: 'busy', word: task.state.toLowerCase() };
}

/**
 * Who runs what at a glance: a row an instance, a column a task. A task that moves is seen to leave one row for
 * another.
 */
export function TaskMap({ instances, homes, now }: TaskMapProps): JSX.Element | null {
  const alive = instances.filter((instance) => instance.alive);
  const ids = [...new Set(alive.flatMap((instance) => instance.tasks.map((task) => task.id)))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  if (ids.length === 0) return null;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Tasks by instance">
      <table class="task-map">
        <caption class="unseen">Which instance runs which task</caption>
        <thead>
          <tr>
            <th scope="col">Instance</th>
            {ids.map((id) => (
              <th key={id} scope="col">
                <code>{id}</code>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {alive.map((instance) => (
            <tr key={instance.id} data-map-instance={instance.id}>
              <th scope="row">
                <code>{instance.id.slice(0, 8)}</code>{' '}
                <span class="quiet">{plural(instance.tasks.length, 'task')}</span>
              </th>
              {ids.map((id) => {
                const task =
                  instance.tasks.find((entry) => entry.id === id && entry.role === 'ACTIVE') ??
                  instance.tasks.find((entry) => entry.id === id);
                const { mark, word } = markOf(task);
                const home = homes.get(id);
                const moved =
                  task?.role === 'ACTIVE' && home?.instanceId === instance.id && movedAgoMs(home, now) !== null;
                return (
                  <td key={id}>
                    {task && (
                      <span class={`task-mark task-${mark}`} data-moved={moved} title={`${id} ${word}`}>
                        <span class="unseen">
                          {word}
                          {moved ? ', moved here' : ''}
                        </span>
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="task-key note" aria-hidden="true">
        <span>
          <span class="task-mark task-running" /> running
        </span>
        <span>
          <span class="task-mark task-busy" /> restoring or changing hands
        </span>
        <span>
          <span class="task-mark task-standby" /> standby
        </span>
      </p>
    </div>
  );
}
