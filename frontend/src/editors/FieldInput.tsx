/** The input of one field of a guest's schema. */

import { Combobox, Input, Switch, TagsInput } from '@grafana/ui';
import type { ReactElement } from 'react';

import { isTexts } from '../json';
import { canShow, type Field } from '../schema';
import { JsonInput } from './JsonInput';

/** The width of an input of text, in Grafana's units of 8 pixels. */
const TEXT_WIDTH = 40;

/** The width of an input of few characters. */
const SHORT_WIDTH = 20;

interface Props {
  id: string;
  field: Field;
  /** What is stored; undefined if nothing is. */
  value: unknown;
  disabled: boolean;
  /** Called at every change; with undefined where nothing is to be stored. */
  onChange: (value: unknown) => void;
  /** Called when a change is complete. */
  onDone: () => void;
}

/** Shows a value in the input that fits, and one that does not fit as the JSON that it is. */
export function FieldInput({ id, field, value, disabled, onChange, onDone }: Props): ReactElement {
  const { input } = field;
  const change = (changed: unknown): void => {
    onChange(changed);
    onDone();
  };
  const fits = value === undefined || value === null || canShow(input, value);
  switch (fits ? input.kind : 'json') {
    case 'text':
      return (
        <Input
          id={id}
          width={TEXT_WIDTH}
          disabled={disabled}
          value={asText(value)}
          placeholder={asText(field.default)}
          onChange={(event) => { onChange(event.currentTarget.value || undefined); }}
          onBlur={onDone}
        />
      );
    case 'number':
      return (
        <Input
          id={id}
          width={SHORT_WIDTH}
          type="number"
          step={input.kind === 'number' && input.isInteger ? 1 : 'any'}
          disabled={disabled}
          value={asText(value)}
          placeholder={asText(field.default)}
          onChange={(event) => { onChange(asNumber(event.currentTarget.value)); }}
          onBlur={onDone}
        />
      );
    case 'toggle':
      return (
        <Switch
          id={id}
          disabled={disabled}
          value={(value ?? field.default) === true}
          onChange={(event) => { change(event.currentTarget.checked); }}
        />
      );
    case 'choice':
      return <ChoiceInput id={id} field={field} value={value} disabled={disabled} onChange={change} />;
    case 'texts':
      return (
        <TagsInput
          id={id}
          width={TEXT_WIDTH}
          disabled={disabled}
          tags={isTexts(value) ? value : []}
          placeholder={isTexts(field.default) ? field.default.join(', ') : 'Enter adds a value'}
          onChange={(texts) => { change(texts.length === 0 && !field.isRequired ? undefined : texts); }}
        />
      );
    case 'json':
      return <JsonInput id={id} value={value ?? undefined} disabled={disabled} onChange={onChange} onBlur={onDone} />;
  }
}

function ChoiceInput({ id, field, value, disabled, onChange }: Omit<Props, 'onDone'>): ReactElement {
  const choices = field.input.kind === 'choice' ? field.input.choices : [];
  const labels = new Map(choices.map((choice) => [choice.value, choice.label]));
  const shown = {
    id,
    width: SHORT_WIDTH,
    disabled,
    options: choices,
    value: choices.find((choice) => choice.value === (value ?? field.default))?.value ?? null,
    placeholder: labels.values().next().value ?? '',
  };
  if (field.isRequired) {
    return <Combobox<string | number> {...shown} onChange={(option) => { onChange(option.value); }} />;
  }
  return <Combobox<string | number> {...shown} isClearable onChange={(option) => { onChange(option?.value); }} />;
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function asNumber(text: string): number | undefined {
  const number = Number(text);
  return text.trim() === '' || Number.isNaN(number) ? undefined : number;
}
