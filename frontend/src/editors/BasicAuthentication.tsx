/** Basic authentication: a user and a password that go with every request. */

import { Field, FieldSet, Input, Switch } from '@grafana/ui';
import type { ReactElement } from 'react';

import { SecretField, type SecretStore } from './SecretField';

interface Props {
  isOn: boolean;
  user: string;
  secrets: SecretStore;
  disabled: boolean;
  onChange: (isOn: boolean, user: string) => void;
}

/** Shows the user and the password where they are used. */
export function BasicAuthentication({ isOn, user, secrets, disabled, onChange }: Props): ReactElement {
  return (
    <FieldSet label="Authentication">
      <Field
        label="Basic authentication"
        htmlFor="graft-basic"
        description="The host adds user and password to each request; the guest sees neither."
      >
        <Switch
          id="graft-basic"
          disabled={disabled}
          value={isOn}
          onChange={(event) => { onChange(event.currentTarget.checked, user); }}
        />
      </Field>
      {isOn && (
        <>
          <Field label="User" htmlFor="graft-basic-user">
            <Input
              id="graft-basic-user"
              width={40}
              disabled={disabled}
              value={user}
              autoComplete="off"
              onChange={(event) => { onChange(isOn, event.currentTarget.value); }}
            />
          </Field>
          <SecretField
            name="basicAuthPassword"
            title="Password"
            help=""
            isRequired={false}
            secrets={secrets}
            disabled={disabled}
          />
        </>
      )}
    </FieldSet>
  );
}
