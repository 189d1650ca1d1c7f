/** A form drawn from a guest's schema, or a JSON editor where a form cannot stand for it. */

import { Field as Stacked, InlineField } from '@grafana/ui';
import type { ReactElement } from 'react';

import { isObject, withMember, type JsonObject } from '../json';
import { fieldsOf, problemOf, type Field } from '../schema';
import { FieldInput } from './FieldInput';
import { JsonInput } from './JsonInput';

/** The width of labels in Grafana's units of 8 pixels. */
export const LABEL_WIDTH = 20;

interface Props {
  /** Keeps the inputs' ids apart from those of another form. */
  id: string;
  schema: unknown;
  /** Members that the schema must not name, because they are not the guest's. */
  reserved: string[];
  values: JsonObject;
  /** Beside their inputs, as in query editors, or above them, with their descriptions shown. */
  labels: 'beside' | 'above';
  disabled?: boolean;
  onChange: (values: JsonObject) => void;
  /** Called when a change is complete. */
  onDone?: () => void;
}

/** Shows all values, each in the input that the schema asks for. */
export function SchemaForm(props: Props): ReactElement {
  const { id, schema, reserved, values, labels, disabled = false, onChange, onDone = () => {} } = props;
  const fields = fieldsOf(schema);
  if (fields === undefined) {
    return (
      <JsonInput
        id={`${id}-json`}
        value={values}
        disabled={disabled}
        empty={{}}
        problemOf={(value) => (isObject(value) ? undefined : 'This must be a JSON object, so it is not stored yet.')}
        onChange={(value) => { onChange(isObject(value) ? value : {}); }}
        onBlur={onDone}
      />
    );
  }
  const isShown = (field: Field): boolean =>
    !reserved.includes(field.name) && (!field.isDeprecated || values[field.name] !== undefined);
  return (
    <>
      {fields.filter(isShown).map((field) => (
        <Labelled key={field.name} id={`${id}-${field.name}`} field={field} value={values[field.name]} labels={labels}>
          <FieldInput
            id={`${id}-${field.name}`}
            field={field}
            value={values[field.name]}
            disabled={disabled}
            onChange={(value) => { onChange(withMember(values, field.name, value)); }}
            onDone={onDone}
          />
        </Labelled>
      ))}
    </>
  );
}

interface LabelledProps {
  id: string;
  field: Field;
  value: unknown;
  labels: Props['labels'];
  children: ReactElement;
}

function Labelled({ id, field, value, labels, children }: LabelledProps): ReactElement {
  const problem = problemOf(field, value);
  const shown = {
    label: field.title,
    htmlFor: id,
    required: field.isRequired,
    invalid: problem !== undefined,
    ...(problem !== undefined && { error: problem }),
  };
  const tooltip = field.description === '' ? {} : { tooltip: field.description, interactive: true };
  return labels === 'beside' ? (
    <InlineField {...shown} {...tooltip} labelWidth={LABEL_WIDTH}>
      {children}
    </InlineField>
  ) : (
    <Stacked {...shown} description={field.description}>
      {children}
    </Stacked>
  );
}
