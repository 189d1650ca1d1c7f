/** Which guest a data source uses. */

import { Alert, Combobox, Field, Input } from '@grafana/ui';
import { useState, type ReactElement } from 'react';

import { fetchGuests } from '../host';
import type { ListedGuest } from '../model';
import { useLoaded, type Loaded } from './loaded';

interface Props {
  /** The data source's uid, empty until it is saved for the first time. */
  uid: string;
  /** The guest's name, empty if none is chosen. */
  value: string;
  disabled: boolean;
  onChange: (guest: string) => void;
}

const LABEL = { label: 'Guest', htmlFor: 'graft-guest', required: true };

/** Offers the guests that the host has; where it cannot be asked, the name is typed. */
export function GuestPicker(props: Props): ReactElement {
  if (props.uid === '') {
    return <GuestName {...props} sentence="Save once, and the guests that are installed are offered here." />;
  }
  return <AskedPicker {...props} />;
}

function AskedPicker(props: Props): ReactElement {
  const guests = useLoaded(props.uid, () => fetchGuests(props.uid));
  if (guests.state === 'failed') {
    return <GuestName {...props} sentence={`The guests that are installed cannot be listed: ${guests.sentence}`} />;
  }
  return <GuestList {...props} guests={guests} />;
}

function GuestList({ value, disabled, onChange, guests }: Props & { guests: Loaded<ListedGuest[]> }): ReactElement {
  const listed = guests.state === 'ready' ? guests.value : [];
  const chosen = listed.find((guest) => guest.name === value);
  const isMissing = guests.state === 'ready' && value !== '' && chosen === undefined;
  const options = listed.map((guest) => ({
    value: guest.name,
    label: guest.title,
    description: guest.error === undefined ? guest.origin : 'Cannot be used',
  }));
  return (
    <>
      <Field {...LABEL} description="The component that knows the API.">
        <Combobox<string>
          id="graft-guest"
          width={40}
          disabled={disabled}
          loading={guests.state === 'loading'}
          options={options}
          value={value === '' ? null : { value, label: chosen?.title ?? value }}
          createCustomValue
          placeholder="Choose a guest"
          onChange={(option) => { onChange(option.value); }}
        />
      </Field>
      {chosen?.error !== undefined && (
        <Alert severity="error" title={`Guest ${value} cannot be used`}>
          {chosen.error}
        </Alert>
      )}
      {isMissing && (
        <Alert severity="warning" title={`There is no guest named ${value}`}>
          Put {value}.wasm into the plugin&apos;s folder of guests, or choose another.
        </Alert>
      )}
    </>
  );
}

/** The name is passed on when it is complete, because the guest is asked for at once. */
function GuestName({ value, disabled, onChange, sentence }: Props & { sentence: string }): ReactElement {
  const [name, setName] = useState(value);
  return (
    <Field {...LABEL} description={sentence}>
      <Input
        id="graft-guest"
        width={40}
        disabled={disabled}
        value={name}
        placeholder="prometheus"
        onChange={(event) => { setName(event.currentTarget.value); }}
        onBlur={() => { onChange(name.trim()); }}
      />
    </Field>
  );
}
