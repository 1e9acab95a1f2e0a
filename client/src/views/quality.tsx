import { formatCount, formatShare, shareOf } from '../../shared/format.ts';
import { ProblemNote } from '../../shared/views/parts.tsx';
import { useSelect } from './context.ts';
import { PanelSection } from './parts.tsx';
import type { JSX } from 'preact';
import type { DataQuality } from '../api/types.ts';

const REASON_WORDS: Readonly<Record<string, string>> = {
  NOT_UTF8: 'not UTF-8 text',
  NOT_JSON: 'not JSON',
  NOT_OBJECT: 'JSON, but not an object',
  NO_VALUE: 'no value at all',
};

/** Fields in the order of the API, each once, with both counts. */
function fieldRows(quality: DataQuality): { field: string; missing: number; invalid: number }[] {
  const rows = new Map<string, { missing: number; invalid: number }>();
  for (const { field, count } of quality.missing) rows.set(field, { missing: count, invalid: 0 });
  for (const { field, count } of quality.invalid)
    rows.set(field, { missing: rows.get(field)?.missing ?? 0, invalid: count });
  return [...rows].map(([field, counts]) => ({ field, ...counts }));
}

/** One line for the overview: every record is accounted for. */
export function QualityLine(): JSX.Element | null {
  const quality = useSelect((state) => state.shown.quality?.value);
  if (!quality) return null;
  return (
    <p class="quality-line quiet">
      {formatCount(quality.consumed)} records read = {formatCount(quality.counted)} counted +{' '}
      {formatCount(quality.deadLettered)} set aside as dead letters.
    </p>
  );
}

function Figures({ quality }: { quality: DataQuality }): JSX.Element {
  return (
    <dl class="equation">
      <div>
        <dt>Consumed</dt>
        <dd data-figure="consumed">{formatCount(quality.consumed)}</dd>
      </div>
      <span class="sign" aria-hidden="true">
        =
      </span>
      <div>
        <dt>Counted</dt>
        <dd data-figure="counted">{formatCount(quality.counted)}</dd>
      </div>
      <span class="sign" aria-hidden="true">
        +
      </span>
      <div>
        <dt>Dead-lettered</dt>
        <dd data-figure="dead-lettered">{formatCount(quality.deadLettered)}</dd>
      </div>
    </dl>
  );
}

export function Quality(): JSX.Element {
  const { quality, problem } = useSelect((state) => ({
    quality: state.shown.quality?.value,
    problem: state.problems.quality,
  }));
  return (
    <PanelSection
      id="quality"
      title="Data quality"
      panel="quality"
      note="Every record read is either counted once or set aside once."
    >
      <ProblemNote problem={problem} />
      {quality && (
        <>
          <Figures quality={quality} />
          <div class="quality-tables">
            <table class="data-table">
              <caption>Dead letters by reason</caption>
              <thead>
                <tr>
                  <th scope="col">Reason</th>
                  <th scope="col" class="number">
                    Records
                  </th>
                </tr>
              </thead>
              <tbody>
                {quality.deadLetters.map(({ reason, count }) => (
                  <tr key={reason} data-reason={reason}>
                    <th scope="row">
                      {REASON_WORDS[reason] ?? reason} <code class="quiet">{reason}</code>
                    </th>
                    <td class="number">{formatCount(count)}</td>
                  </tr>
                ))}
                {quality.deadLetters.length === 0 && (
                  <tr>
                    <td colSpan={2} class="quiet">
                      None.
                    </td>
                  </tr>
                )}
              </tbody>
            </table>
            <table class="data-table">
              <caption>Fields of counted records</caption>
              <thead>
                <tr>
                  <th scope="col">Field</th>
                  <th scope="col" class="number">
                    Missing
                  </th>
                  <th scope="col" class="number">
                    Invalid
                  </th>
                </tr>
              </thead>
              <tbody>
                {fieldRows(quality).map(({ field, missing, invalid }) => (
                  <tr key={field} data-field={field}>
                    <th scope="row">
                      <code>{field}</code>
                    </th>
                    <td class="number">
                      {formatCount(missing)}{' '}
                      <span class="cell-share quiet">{formatShare(shareOf(missing, quality.counted))}</span>
                    </td>
                    <td class="number">
                      {formatCount(invalid)}{' '}
                      <span class="cell-share quiet">{formatShare(shareOf(invalid, quality.counted))}</span>
                    </td>
                  </tr>
                ))}
                {quality.missing.length + quality.invalid.length === 0 && (
                  <tr>
                    <td colSpan={3} class="quiet">
                      All present and valid.
                    </td>
                  </tr>
                )}
              </tbody>
            </table>
          </div>
          <p class="note">
            <span data-figure="late">{formatCount(quality.late)}</span> late logins are in the totals and too old for
            the minute-by-minute series.
          </p>
        </>
      )}
    </PanelSection>
  );
}
