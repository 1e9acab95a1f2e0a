import { useId } from 'preact/hooks';
import {
  checkConditions,
  filterableFields,
  MOST_CONDITIONS,
  operatorsOf,
  operatorWords,
  takesValue,
} from '../state/conditions.ts';
import { isNumeric } from '../state/values.ts';
import { usePage, useSelect } from './context.ts';
import { DraftInput } from './draft-input.tsx';
import type { JSX } from 'preact';
import type { PageField, PageTable } from '../api/model.ts';
import type { Condition, Operator } from '../state/conditions.ts';

/** How long a person may pause within a word. */
const TYPING_MS = 300;

/** `2026-01-31T12:00:00` in the reader's time zone, as such a field of a form takes it. */
function localTime(text: string): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

interface ValueProps {
  readonly field: PageField;
  readonly condition: Condition;
  readonly problem: string | null;
  readonly onChange: (text: string) => void;
}

/** Where a condition's value is typed or chosen, by its type. It counts when the field is left, or with Enter. */
function ConditionValue({ field, condition, problem, onChange }: ValueProps): JSX.Element {
  const id = useId();
  const { type } = field;
  const { operator, text } = condition;
  const label = `Value of ${field.name}`;
  const isWrong = problem !== null && text !== '';
  const choices =
    operator === 'in'
      ? null
      : type.kind === 'enum'
        ? type.values
        : type.name === 'Boolean'
          ? (['true', 'false'] as const)
          : null;
  const isTime = type.name === 'DateTime' && operator !== 'in';
  return (
    <>
      {choices ? (
        <select aria-label={label} value={text} onChange={(event) => onChange(event.currentTarget.value)}>
          {!choices.some((choice) => choice === text) && <option value={text}>Choose</option>}
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <DraftInput
          type={isTime ? 'datetime-local' : type.name === 'Date' && operator !== 'in' ? 'date' : 'text'}
          value={isTime ? localTime(text) : text}
          onCommit={(value) => onChange(isTime && value !== '' ? new Date(value).toISOString() : value)}
          placeholder={operator === 'in' ? 'apart by commas' : undefined}
          inputMode={isNumeric(type) ? 'decimal' : undefined}
          label={label}
          invalid={isWrong}
          describedBy={isWrong ? id : undefined}
        />
      )}
      {isWrong && (
        <span id={id} class="condition-problem">
          {problem}
        </span>
      )}
    </>
  );
}

interface ConditionRowProps {
  readonly fields: readonly PageField[];
  readonly condition: Condition;
  readonly problem: string | null;
  readonly onChange: (condition: Condition) => void;
  readonly onRemove: () => void;
}

function ConditionRow({ fields, condition, problem, onChange, onRemove }: ConditionRowProps): JSX.Element {
  const field = fields.find(({ name }) => name === condition.field);
  return (
    <li class="condition">
      <select
        aria-label="Field"
        value={condition.field}
        onChange={({ currentTarget: { value } }) => {
          const next = fields.find(({ name }) => name === value);
          const operator = next && operatorsOf(next).includes(condition.operator) ? condition.operator : 'eq';
          onChange({ field: value, operator, text: '' });
        }}
      >
        {field === undefined && <option value={condition.field}>{condition.field}</option>}
        {fields.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {field ? (
        <>
          <select
            aria-label={`How ${field.name} is compared`}
            value={condition.operator}
            onChange={(event) => onChange({ ...condition, operator: event.currentTarget.value as Operator })}
          >
            {operatorsOf(field).map((operator) => (
              <option key={operator} value={operator}>
                {operatorWords(operator, field.type)}
              </option>
            ))}
          </select>
          {takesValue(condition.operator) && (
            <ConditionValue
              field={field}
              condition={condition}
              problem={problem}
              onChange={(text) => onChange({ ...condition, text })}
            />
          )}
        </>
      ) : (
        <span class="condition-problem">{problem}</span>
      )}
      <button type="button" class="button" aria-label={`Remove the condition on ${condition.field}`} onClick={onRemove}>
        Remove
      </button>
    </li>
  );
}

/** The search for keys by how they begin: asked when the typing stops. */
function PrefixSearch({ table }: { table: PageTable }): JSX.Element {
  const page = usePage();
  const prefix = useSelect((state) => state.preferences.prefix);
  return (
    <label class="field">
      <span class="field-label">{table.key.name} starts with</span>
      <DraftInput
        type="search"
        value={prefix}
        typingMs={TYPING_MS}
        onCommit={(value) => page.prefer({ prefix: value })}
      />
    </label>
  );
}

/** What narrows the rows: how their keys begin, and conditions that must all hold. */
export function Filters({ table }: { table: PageTable }): JSX.Element {
  const page = usePage();
  const conditions = useSelect((state) => state.preferences.conditions);
  const fields = filterableFields(table);
  const { problems } = checkConditions(table, conditions);
  const replace = (index: number, ...by: readonly Condition[]): void =>
    page.prefer({ conditions: conditions.toSpliced(index, 1, ...by) });
  // How the key begins can be searched for already.
  const added = fields.find(({ name }) => name !== table.key.name) ?? fields[0];
  return (
    <div class="filters" role="group" aria-label="Which rows">
      {table.key.isText && <PrefixSearch key={table.name} table={table} />}
      {conditions.length > 0 && (
        <ul class="conditions" aria-label="Conditions, all of which must hold">
          {conditions.map((condition, index) => (
            <ConditionRow
              key={index}
              fields={fields}
              condition={condition}
              problem={problems[index] ?? null}
              onChange={(next) => replace(index, next)}
              onRemove={() => replace(index)}
            />
          ))}
        </ul>
      )}
      {added && conditions.length < MOST_CONDITIONS && (
        <button
          type="button"
          class="button"
          onClick={() =>
            page.prefer({
              conditions: [...conditions, { field: added.name, operator: operatorsOf(added)[0] ?? 'eq', text: '' }],
            })
          }
        >
          Add a condition
        </button>
      )}
    </div>
  );
}
