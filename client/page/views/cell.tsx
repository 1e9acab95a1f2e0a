import { NONE } from '../../shared/format.ts';
import { formatPlain, memberOf, partsOf, summaryOf } from '../state/values.ts';
import type { JSX } from 'preact';
import type { PageField } from '../api/model.ts';

/** Longer summaries are cut, and unfold. */
const SUMMARY_LETTERS = 48;
/** A list shows so many items; the rest is counted. */
const MOST_ITEMS = 50;

/** A nested value, level by level. */
function Nested({ value }: { value: unknown }): JSX.Element {
  if (Array.isArray(value)) {
    return (
      <ol class="nested">
        {value.slice(0, MOST_ITEMS).map((item, index) => (
          <li key={index}>
            <Nested value={item} />
          </li>
        ))}
        {value.length > MOST_ITEMS && <li class="quiet">and {value.length - MOST_ITEMS} more</li>}
      </ol>
    );
  }
  if (typeof value !== 'object' || value === null) return <>{summaryOf(value)}</>;
  const fields = value as Readonly<Record<string, unknown>>;
  const member = memberOf(fields);
  return (
    <>
      {member !== null && <span class="quiet">{member}</span>}
      <dl class="nested">
        {partsOf(fields).map(([label, part]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <Nested value={part} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** One value of a row: plain ones as they are, nested ones in a line that unfolds. */
export function Cell({ value, field, now }: { value: unknown; field: PageField; now: number }): JSX.Element {
  if (value === null || value === undefined) {
    return (
      <>
        <span aria-hidden="true">{NONE}</span>
        <span class="unseen">empty</span>
      </>
    );
  }
  const isPlain = !field.list && (field.type.kind === 'enum' || field.type.kind === 'scalar');
  if (isPlain && typeof value !== 'object') {
    const isTime = field.type.name === 'DateTime';
    const text = formatPlain(value, field.type, now);
    return (
      <span class={text.length <= SUMMARY_LETTERS ? 'whole' : 'part'} title={isTime ? String(value) : undefined}>
        {text}
      </span>
    );
  }
  const summary = summaryOf(value);
  if (summary.length <= SUMMARY_LETTERS) return <span class="part">{summary}</span>;
  return (
    <details class="part unfolds">
      <summary>{`${summary.slice(0, SUMMARY_LETTERS - 1)}…`}</summary>
      <Nested value={value} />
    </details>
  );
}
