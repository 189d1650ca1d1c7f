/** What a guest says about itself, and what it wants to know: settings, secrets, and hosts that it may ask. */

import { Checkbox, Field, FieldSet, TextLink } from '@grafana/ui';
import type { ReactElement } from 'react';

import { isObject, isTexts, withMember, withoutMembers } from '../json';
import type { Guest, GraftSettings } from '../model';
import { SchemaForm } from './SchemaForm';
import { SecretField, type SecretStore } from './SecretField';

/** Settings of the host, which a guest's schema cannot name. */
const RESERVED_SETTINGS = ['guest', 'allowedHosts'];

interface Props {
  guest: Guest;
  settings: GraftSettings;
  secrets: SecretStore;
  disabled: boolean;
  onChange: (settings: GraftSettings) => void;
}

/** Shows a guest's settings. */
export function GuestSettings({ guest, settings, secrets, disabled, onChange }: Props): ReactElement {
  return (
    <FieldSet label={guest.title}>
      <p>
        {guest.title} {guest.version}
        {guest.vendor !== '' && ` by ${guest.vendor}`}
        {guest.documentation !== '' && (
          <>
            {': '}
            <TextLink href={guest.documentation} external inline>
              documentation
            </TextLink>
          </>
        )}
      </p>
      {hasSettings(guest.settingsSchema) && (
        <SchemaForm
          id="graft-setting"
          schema={guest.settingsSchema}
          reserved={RESERVED_SETTINGS}
          values={withoutMembers(settings, RESERVED_SETTINGS)}
          labels="above"
          disabled={disabled}
          onChange={(values) => { onChange({ ...withoutMembers(values, RESERVED_SETTINGS), ...ofHost(settings) }); }}
        />
      )}
      {guest.secrets.map((secret) => (
        <SecretField
          key={secret.name}
          name={secret.name}
          title={secret.title}
          help={secret.help}
          isRequired={secret.required}
          secrets={secrets}
          disabled={disabled}
        />
      ))}
      <AllowedHosts guest={guest} settings={settings} disabled={disabled} onChange={onChange} />
    </FieldSet>
  );
}

function ofHost({ guest, allowedHosts }: GraftSettings): GraftSettings {
  return { ...(guest !== undefined && { guest }), ...(allowedHosts !== undefined && { allowedHosts }) };
}

/** `{}` is how a guest says that it has no settings. */
function hasSettings(schema: unknown): boolean {
  return isObject(schema) && Object.keys(schema).length > 0;
}

/** A guest may ask another host only where it says so and the admin agrees. */
function AllowedHosts({ guest, settings, disabled, onChange }: Omit<Props, 'secrets'>): ReactElement | null {
  if (guest.hosts.length === 0) {
    return null;
  }
  const allowed = hostsIn(settings.allowedHosts);
  const allow = (host: string, isAllowed: boolean): void => {
    const others = allowed.filter((other) => other !== host);
    const hosts = isAllowed ? [...others, host] : others;
    onChange(withMember(settings, 'allowedHosts', hosts.length > 0 ? hosts : undefined));
  };
  return (
    <Field label="Other hosts" description="The guest wants to ask these too, and can ask those that you allow.">
      <>
        {guest.hosts.map((host) => (
          <div key={host}>
            <Checkbox
              label={host}
              disabled={disabled}
              value={allowed.includes(host)}
              onChange={(event) => { allow(host, event.currentTarget.checked); }}
            />
          </div>
        ))}
      </>
    </Field>
  );
}

/** The host reads an array of texts, and also one text with commas. */
function hostsIn(stored: unknown): string[] {
  const hosts = typeof stored === 'string' ? stored.split(',') : isTexts(stored) ? stored : [];
  return hosts.map((host) => host.trim()).filter((host) => host !== '');
}
