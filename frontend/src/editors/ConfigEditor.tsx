/** The settings of a data source: where the API is, which guest knows it, and what that guest wants to know. */

import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Alert, Field, FieldSet, Input, LoadingPlaceholder } from '@grafana/ui';
import type { ReactElement } from 'react';

import { fetchGuest } from '../host';
import { withMember } from '../json';
import type { GraftSecrets, GraftSettings } from '../model';
import { BasicAuthentication } from './BasicAuthentication';
import { GuestPicker } from './GuestPicker';
import { GuestSettings } from './GuestSettings';
import { useLoaded } from './loaded';
import type { SecretStore } from './SecretField';

type Props = DataSourcePluginOptionsEditorProps<GraftSettings, GraftSecrets>;

/** Shows all settings. */
export function ConfigEditor({ options, onOptionsChange }: Props): ReactElement {
  const disabled = options.readOnly;
  const changeSettings = (jsonData: GraftSettings): void => { onOptionsChange({ ...options, jsonData }); };
  const secrets: SecretStore = {
    isStored: (name) => options.secureJsonFields[name] ?? false,
    value: (name) => options.secureJsonData?.[name] ?? '',
    set: (name, value) => {
      onOptionsChange({ ...options, secureJsonData: { ...options.secureJsonData, [name]: value } });
    },
    reset: (name) => {
      onOptionsChange({
        ...options,
        secureJsonFields: { ...options.secureJsonFields, [name]: false },
        secureJsonData: { ...options.secureJsonData, [name]: '' },
      });
    },
  };
  return (
    <>
      <FieldSet label="API">
        <GuestPicker
          uid={options.uid}
          value={options.jsonData.guest ?? ''}
          disabled={disabled}
          onChange={(guest) => { changeSettings(withMember(options.jsonData, 'guest', guest || undefined)); }}
        />
        <Field label="URL" htmlFor="graft-url" description="Where the API is. What the guest asks for lies below it.">
          <Input
            id="graft-url"
            width={60}
            disabled={disabled}
            value={options.url}
            placeholder="https://api.example.com"
            onChange={(event) => { onOptionsChange({ ...options, url: event.currentTarget.value }); }}
          />
        </Field>
      </FieldSet>
      <BasicAuthentication
        isOn={options.basicAuth}
        user={options.basicAuthUser}
        secrets={secrets}
        disabled={disabled}
        onChange={(basicAuth, basicAuthUser) => { onOptionsChange({ ...options, basicAuth, basicAuthUser }); }}
      />
      <OfGuest
        uid={options.uid}
        settings={options.jsonData}
        secrets={secrets}
        disabled={disabled}
        onChange={changeSettings}
      />
    </>
  );
}

interface OfGuestProps {
  uid: string;
  settings: GraftSettings;
  secrets: SecretStore;
  disabled: boolean;
  onChange: (settings: GraftSettings) => void;
}

/** What the guest wants to know, once one is chosen and the host can be asked about it. */
function OfGuest({ uid, ...props }: OfGuestProps): ReactElement | null {
  const name = props.settings.guest ?? '';
  return uid === '' || name === '' ? null : <AskedGuest key={name} uid={uid} name={name} {...props} />;
}

function AskedGuest({ uid, name, ...props }: OfGuestProps & { name: string }): ReactElement {
  const guest = useLoaded(`${uid} ${name}`, () => fetchGuest(uid, name));
  switch (guest.state) {
    case 'loading':
      return <LoadingPlaceholder text={`Asking guest ${name} what it wants to know…`} />;
    case 'failed':
      return (
        <Alert severity="warning" title={`The settings of guest ${name} cannot be shown`}>
          {guest.sentence}
        </Alert>
      );
    case 'ready':
      return <GuestSettings guest={guest.value} {...props} />;
  }
}
