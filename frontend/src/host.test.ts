import { expect, it } from 'vitest';

import { answer } from '../test/grafana';
import { fetchGuest, fetchGuests, readGuest, readGuests, sentenceOf } from './host';

it('guests are listed, those that cannot be used with the reason', () => {
  const prometheus = { name: 'prometheus', title: 'Prometheus', version: '0.1.0', vendor: 'Graft', capabilities: [] };
  expect(readGuests({ guests: [prometheus, { name: 'broken', error: 'It imports WASI.' }] })).toEqual([
    { name: 'prometheus', title: 'Prometheus', origin: '0.1.0, Graft' },
    { name: 'broken', title: 'broken', origin: '', error: 'It imports WASI.' },
  ]);
});

it('an answer of another shape is refused', () => {
  expect(() => readGuests({ guests: 'none' })).toThrow('something else than a list of guests');
  expect(() => readGuest([])).toThrow("something else than a guest's description");
});

it('a description has all that editors need, also where the host leaves things out', () => {
  const secrets = [{ name: 'apiKey', title: 'Key', help: 'On your profile.', required: true }, { name: 'other' }, 3];
  expect(readGuest({ name: 'weather', secrets, documentation: 'https://example.com' })).toEqual({
    name: 'weather',
    title: 'weather',
    version: '',
    vendor: '',
    documentation: 'https://example.com',
    querySchema: {},
    settingsSchema: {},
    secrets: [
      { name: 'apiKey', title: 'Key', help: 'On your profile.', required: true },
      { name: 'other', title: 'other', help: '', required: false },
    ],
    hosts: [],
  });
});

it('a link to documentation cannot run a script', () => {
  expect(readGuest({ name: 'a', documentation: 'javascript:alert(1)' }).documentation).toBe('');
});

it("the host is asked through the data source's own routes", async () => {
  const sent = answer({ guests: { guests: [] }, schema: { name: 'a' } });
  await fetchGuests('u/1');
  await fetchGuest('u1', 'a');
  expect(sent.map(({ url, params }) => ({ url, params }))).toEqual([
    { url: '/api/datasources/uid/u%2F1/resources/guests', params: {} },
    { url: '/api/datasources/uid/u1/resources/schema', params: { guest: 'a' } },
  ]);
});

it('a failure is told in the words of who knows most', () => {
  const errors = [{ data: { message: 'no guest a' }, statusText: 'Not Found' }, { statusText: 'Bad Gateway' }, new Error('late'), 3];
  expect(errors.map(sentenceOf)).toEqual(['no guest a', 'Bad Gateway', 'late', 'Nobody said why.']);
});
