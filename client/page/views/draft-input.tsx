import { useEffect, useRef, useState } from 'preact/hooks';
import type { InputHTMLAttributes, JSX, TargetedEvent } from 'preact';

interface DraftInputProps {
  readonly type: 'text' | 'search' | 'date' | 'datetime-local';
  /** What counts now. */
  readonly value: string;
  readonly onCommit: (value: string) => void;
  /** Milliseconds without typing after which it counts; else it does when the field is left, or with Enter. */
  readonly typingMs?: number;
  readonly placeholder?: string | undefined;
  readonly inputMode?: 'decimal' | undefined;
  readonly label?: string;
  readonly invalid?: boolean;
  readonly describedBy?: string | undefined;
}

/** A field that keeps what is being typed while the page around it is drawn anew with each update. */
export function DraftInput(props: DraftInputProps): JSX.Element {
  const { type, value, onCommit, typingMs, placeholder, inputMode, label, invalid, describedBy } = props;
  const [draft, setDraft] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const committed = useRef(value);
  useEffect(() => {
    // What was committed here comes back while the next letter may be typed already.
    if (value === committed.current) return;
    committed.current = value;
    setDraft(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const commit = (text: string): void => {
    clearTimeout(timer.current);
    committed.current = text;
    if (text !== value) onCommit(text);
  };
  const attributes = {
    type,
    value: draft,
    placeholder,
    inputMode,
    step: type === 'datetime-local' ? '1' : undefined,
    'aria-label': label,
    'aria-invalid': invalid,
    'aria-describedby': describedBy,
    onInput: ({ currentTarget: { value: text } }: TargetedEvent<HTMLInputElement>) => {
      setDraft(text);
      clearTimeout(timer.current);
      if (typingMs !== undefined) timer.current = setTimeout(() => commit(text), typingMs);
    },
    onChange: ({ currentTarget }: TargetedEvent<HTMLInputElement>) => commit(currentTarget.value),
  };
  // The types of inputs want one type at a time.
  return <input {...(attributes as InputHTMLAttributes)} />;
}
