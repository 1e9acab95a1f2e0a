import { formatCount, NONE } from '../../shared/format.ts';
import { shownNow } from '../../shared/state/live-state.ts';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { ProcessorView } from '../../shared/views/processor-view.tsx';
import { formatBytes } from '../state/values.ts';
import { useSelect } from './context.ts';
import { PanelSection, Waiting } from './parts.tsx';
import { TopologyView } from './topology-view.tsx';
import type { JSX } from 'preact';

const NOTE =
  'Start another processor to share the work: its tasks move to it by themselves. ' +
  'Records between sub-topologies count too.';

/** This API's copies of the tables. */
function Copies(): JSX.Element {
  const { copies, problem } = useSelect((state) => ({ copies: state.shown.copies, problem: state.problems.copies }));
  return (
    <PanelSection id="copies" title="Tables of this API" panel="copies" note="What this one instance holds.">
      <ProblemNote problem={problem} />
      {copies ? (
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Rows and size of each table">
          <table class="data-table">
            <caption class="unseen">Rows and size of each table</caption>
            <thead>
              <tr>
                <th scope="col">Table</th>
                <th scope="col" class="number">
                  Rows
                </th>
                <th scope="col" class="number">
                  Size
                </th>
                <th scope="col" class="number">
                  Unreadable
                </th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {[...copies.values()].map(({ name, rows, bytes, unreadable, complete }) => (
                <tr key={name} data-copy={name}>
                  <th scope="row">{name}</th>
                  <td class="number">{rows === null ? NONE : formatCount(rows)}</td>
                  <td class="number">{bytes === null ? NONE : formatBytes(bytes)}</td>
                  <td class="number">{formatCount(unreadable)}</td>
                  <td>{complete ? 'complete' : 'catching up'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        !problem && <Waiting />
      )}
    </PanelSection>
  );
}

/** Who runs what, the topology drawn, and what this API holds. */
export function Operations(): JSX.Element {
  const { processor, homes, now, problem } = useSelect((state) => ({
    processor: state.shown.processor?.value,
    homes: state.shown.homes,
    now: shownNow(state),
    problem: state.problems.processor,
  }));
  return (
    <>
      <h1 class="view-title">Operations</h1>
      <PanelSection id="processor" title="Processor" panel="processor" note={NOTE}>
        <ProblemNote problem={problem} />
        {processor ? (
          <ProcessorView
            processor={processor}
            homes={homes}
            now={now}
            noneReports="No processor reports. What it has written so far stays readable."
          />
        ) : (
          !problem && <Waiting />
        )}
      </PanelSection>
      {processor && <TopologyView text={processor.topology} />}
      <Copies />
    </>
  );
}
