/** A secret, which Grafana stores encrypted and never shows again. */

import { Field, SecretInput } from '@grafana/ui';
import type { ReactElement } from 'react';

/** The secrets of a data source that is being edited. */
export interface SecretStore {
  /** Whether Grafana has one of this name. */
  isStored: (name: string) => boolean;
  /** What was entered and is not stored yet. */
  value: (name: string) => string;
  set: (name: string, value: string) => void;
  /** Forgets what is stored, so that another can be entered. */
  reset: (name: string) => void;
}

interface Props {
  name: string;
  title: string;
  help: string;
  isRequired: boolean;
  secrets: SecretStore;
  disabled: boolean;
}

/** Shows whether a secret is stored, and lets it be entered or reset. */
export function SecretField({ name, title, help, isRequired, secrets, disabled }: Props): ReactElement {
  const id = `graft-secret-${name}`;
  return (
    <Field label={title} htmlFor={id} description={help} required={isRequired}>
      <SecretInput
        id={id}
        width={40}
        disabled={disabled}
        isConfigured={secrets.isStored(name)}
        value={secrets.value(name)}
        autoComplete="new-password"
        onReset={() => { secrets.reset(name); }}
        onChange={(event) => { secrets.set(name, event.currentTarget.value); }}
      />
    </Field>
  );
}
