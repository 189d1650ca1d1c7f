import type { DataSourceSettings } from '@grafana/data';
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState, type ReactElement } from 'react';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { answer, settingsOf } from '../../test/grafana';
import type { GraftSecrets, GraftSettings } from '../model';
import { ConfigEditor } from './ConfigEditor';

type Options = DataSourceSettings<GraftSettings, GraftSecrets>;

const ROUTES = {
  guests: {
    guests: [
      { name: 'broken', error: 'It imports WASI.' },
      { name: 'weather', title: 'Weather', version: '1.2.0', vendor: 'Example' },
    ],
  },
  schema: {
    name: 'weather',
    title: 'Weather',
    version: '1.2.0',
    vendor: 'Example',
    documentation: 'https://example.com/weather',
    settingsSchema: { properties: { city: { type: 'string', title: 'City', description: 'Where it rains.' } } },
    secrets: [{ name: 'apiKey', title: 'API key', help: 'On your profile.', required: true }],
    hosts: ['login.example.com'],
  },
};

/** The newest of what the editor made. */
let made: Options | undefined;

beforeEach(() => {
  made = undefined;
});

afterEach(cleanup);

function Editor({ options }: { options: Options }): ReactElement {
  const [current, setCurrent] = useState(options);
  const change = (changed: Options): void => {
    made = changed;
    setCurrent(changed);
  };
  return <ConfigEditor options={current} onOptionsChange={change} />;
}

function edit(changed: Partial<Options>, routes: Record<string, unknown> = ROUTES): ReturnType<typeof userEvent.setup> {
  answer(routes);
  render(<Editor options={settingsOf(changed)} />);
  return userEvent.setup();
}

it('offers the guests that are installed', async () => {
  const user = edit({});
  await user.click(await screen.findByLabelText(/Guest/));
  await user.keyboard('{ArrowDown}{Enter}');
  expect(made?.jsonData).toEqual({ guest: 'weather' });
  expect(await screen.findByLabelText(/City/)).toBeTruthy();
});

it('takes a name before the first save, and asks nobody', async () => {
  const user = edit({ uid: '' }, {});
  expect(screen.getByText(/Save once/)).toBeTruthy();
  await user.type(screen.getByLabelText(/Guest/), ' weather ');
  expect(made).toBeUndefined();
  await user.tab();
  expect(made?.jsonData).toEqual({ guest: 'weather' });
});

it('takes a name where guests cannot be listed, and says why', async () => {
  edit({ jsonData: { guest: 'weather' } }, {});
  expect(await screen.findByText(/cannot be listed: no route guests/)).toBeTruthy();
  expect((screen.getByLabelText(/Guest/) as unknown as HTMLInputElement).value).toBe('weather');
  expect(await screen.findByText('no route schema')).toBeTruthy();
});

it('says why a guest cannot be used, and that one is missing', async () => {
  edit({ jsonData: { guest: 'broken' } });
  expect(await screen.findByText('It imports WASI.')).toBeTruthy();
  cleanup();
  edit({ jsonData: { guest: 'gone' } });
  expect(await screen.findByText('There is no guest named gone')).toBeTruthy();
});

it('stores where the API is, and who asks', async () => {
  const user = edit({});
  await user.type(await screen.findByLabelText('URL', { exact: false }), 'http://a');
  await user.click(screen.getByLabelText(/Basic authentication/));
  await user.type(screen.getByLabelText(/User/), 'me');
  await user.type(screen.getByLabelText(/Password/), 'secret');
  expect(made).toMatchObject({
    url: 'http://a',
    basicAuth: true,
    basicAuthUser: 'me',
    secureJsonData: { basicAuthPassword: 'secret' },
  });
});

it('stores what the guest wants to know beside all else', async () => {
  const user = edit({ jsonData: { guest: 'weather', tlsSkipVerify: true } });
  await user.type(await screen.findByLabelText(/City/), 'X');
  await user.type(screen.getByLabelText(/API key/), 'k');
  await user.click(screen.getByLabelText('login.example.com'));
  expect(screen.getByText(/Where it rains/)).toBeTruthy();
  expect(made?.jsonData).toEqual({
    guest: 'weather',
    tlsSkipVerify: true,
    city: 'X',
    allowedHosts: ['login.example.com'],
  });
  expect(made?.secureJsonData).toEqual({ apiKey: 'k' });
});

it('keeps hosts that were written as one text', async () => {
  const user = edit({ jsonData: { guest: 'weather', allowedHosts: 'a.example.com, b' as unknown as string[] } });
  await user.click(await screen.findByLabelText('login.example.com'));
  expect(made?.jsonData.allowedHosts).toEqual(['a.example.com', 'b', 'login.example.com']);
  await user.click(screen.getByLabelText('login.example.com'));
  expect(made?.jsonData.allowedHosts).toEqual(['a.example.com', 'b']);
});

it('a stored secret is not shown, and can be reset', async () => {
  const user = edit({ jsonData: { guest: 'weather' }, secureJsonFields: { apiKey: true } });
  const key: HTMLInputElement = await screen.findByLabelText(/API key/);
  expect([key.value, key.disabled]).toEqual(['configured', true]);
  await user.click(screen.getByRole('button', { name: 'Reset' }));
  expect(made).toMatchObject({ secureJsonFields: { apiKey: false }, secureJsonData: { apiKey: '' } });
});

it('settings of a schema that is no form are JSON, without those of the host', async () => {
  const settingsSchema = { anyOf: [] };
  const schema = { ...ROUTES.schema, settingsSchema };
  const user = edit({ jsonData: { guest: 'weather', city: 'X', allowedHosts: ['a'] } }, { ...ROUTES, schema });
  const json = await screen.findByDisplayValue(/"city": "X"/);
  expect(JSON.parse((json as HTMLTextAreaElement).value)).toEqual({ city: 'X' });
  await user.clear(json);
  await user.type(json, '{{"town":"Y"}');
  expect(made?.jsonData).toEqual({ guest: 'weather', allowedHosts: ['a'], town: 'Y' });
});

it('a provisioned data source cannot be changed', async () => {
  edit({ readOnly: true, jsonData: { guest: 'weather' } });
  const inputs = [await screen.findByLabelText(/City/), screen.getByLabelText(/API key/), screen.getByLabelText(/URL/)];
  expect(inputs.map((input) => (input as unknown as HTMLInputElement).disabled)).toEqual([true, true, true]);
});
