/** A value of any shape, entered as JSON. */

import { FieldValidationMessage, TextArea } from '@grafana/ui';
import { useState, type ReactElement } from 'react';

import { isSame } from '../json';

/** The lines that are shown at once, at least and at most. */
const LINES = { min: 3, max: 20 };

interface Props {
  id: string;
  value: unknown;
  disabled?: boolean;
  /** What no text at all stands for; nothing where left out. */
  empty?: unknown;
  /** What is wrong with a value that is JSON, as a sentence. */
  problemOf?: (value: unknown) => string | undefined;
  /** Called with each text that is JSON and has no problem, and with `empty`. */
  onChange: (value: unknown) => void;
  onBlur?: () => void;
}

/** Shows JSON. While it cannot be read, the value stays as it was, and a sentence says why. */
export function JsonInput({ id, value, disabled, empty, problemOf, onChange, onBlur }: Props): ReactElement {
  const [draft, setDraft] = useState({ text: write(value), value });
  if (!isSame(draft.value, value)) {
    // Somebody else changed it.
    setDraft({ text: write(value), value });
  }
  const parse = (text: string): Parsed => (text.trim() === '' ? { value: empty } : parseJson(text, problemOf));
  const { value: read, problem } = parse(draft.text);

  const change = (text: string): void => {
    const parsed = parse(text);
    if (parsed.problem === undefined) {
      setDraft({ text, value: parsed.value });
      onChange(parsed.value);
    } else {
      setDraft({ text, value });
    }
  };
  const lines = draft.text.split('\n').length;
  return (
    <div>
      <TextArea
        id={id}
        value={draft.text}
        rows={Math.min(LINES.max, Math.max(LINES.min, lines))}
        cols={60}
        disabled={disabled ?? false}
        invalid={problem !== undefined}
        spellCheck={false}
        onChange={(event) => { change(event.currentTarget.value); }}
        onBlur={() => {
          if (problem === undefined) {
            setDraft({ text: write(read), value: read });
            onBlur?.();
          }
        }}
      />
      {problem !== undefined && <FieldValidationMessage>{problem}</FieldValidationMessage>}
    </div>
  );
}

function write(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}

interface Parsed {
  value?: unknown;
  problem?: string;
}

function parseJson(text: string, problemOf: Props['problemOf']): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problem: `This is not JSON, so it is not stored yet: ${why}` };
  }
  const problem = problemOf?.(value);
  return problem === undefined ? { value } : { problem };
}
