import { ProblemNote } from '../../shared/views/parts.tsx';
import { ProcessorView } from '../../shared/views/processor-view.tsx';
import { useSelect } from './context.ts';
import { PanelSection } from './parts.tsx';
import { Quality } from './quality.tsx';
import type { JSX } from 'preact';

const NOTE =
  'Start another processor to share the work: its tasks move to it by themselves. ' +
  'Records between sub-topologies count too.';

/** Who runs what, the topology as text, and what became of every record. */
export function Operations(): JSX.Element {
  const { processor, homes, now, problem } = useSelect((state) => ({
    processor: state.shown.processor?.value,
    homes: state.shown.homes,
    now: state.pausedAt ?? state.now,
    problem: state.problems.processor,
  }));
  return (
    <>
      <h1 class="view-title">Operations</h1>
      <PanelSection id="processor" title="Processor" panel="processor" note={NOTE}>
        <ProblemNote problem={problem} />
        {processor ? (
          <>
            <ProcessorView
              processor={processor}
              homes={homes}
              now={now}
              noneReports={
                <>
                  No processor reports. Start one with <code>npm run processor</code>; what is counted so far stays
                  readable.
                </>
              }
            />
            <details class="topology">
              <summary>Topology</summary>
              <pre tabIndex={0} role="region" aria-label="Topology as text">
                {processor.topology}
              </pre>
            </details>
          </>
        ) : (
          !problem && <p class="quiet">Waiting for the first answer.</p>
        )}
      </PanelSection>
      <Quality />
    </>
  );
}
