import { expect, it } from 'vitest';

import { guestMembers, hasValue, interpolate, isEmpty, withGuestMembers, withoutLive } from './query';
import { fieldsOf } from './schema';

const GRAFANA = { refId: 'A', datasource: { type: 'graft-datasource', uid: '$uid' }, hide: false, key: '$k', queryType: '$q' };

const FIELDS = fieldsOf({
  required: ['expr'],
  properties: { expr: { type: 'string' }, range: { type: 'boolean', default: true } },
});

it("the guest's members are those that are neither Grafana's nor ours", () => {
  expect(guestMembers({ ...GRAFANA, live: true, liveIntervalMs: 1, expr: 'up' })).toEqual({ expr: 'up' });
});

it("other members of the guest's leave all else as it was", () => {
  const query = { ...GRAFANA, live: true, expr: 'up', legend: 'x' };
  expect(withGuestMembers(query, { expr: 'down' })).toEqual({ ...GRAFANA, live: true, expr: 'down' });
});

it("members of the guest's cannot stand in for Grafana's or ours", () => {
  const query = { refId: 'A', expr: 'up' };
  expect(withGuestMembers(query, { refId: 'B', live: true, expr: 'down' })).toEqual({ refId: 'A', expr: 'down' });
});

it('variables are replaced in all texts of the guest, and in nothing else', () => {
  const query = { ...GRAFANA, expr: '$a', deep: [{ label: '$a', $a: 1 }, ['$a', null, 2, false]] };
  expect(interpolate(query, (text) => text.replace('$a', 'up'))).toEqual({
    ...GRAFANA,
    expr: 'up',
    deep: [{ label: 'up', $a: 1 }, ['up', null, 2, false]],
  });
});

it('a live query asks for the same as one that is not', () => {
  const query = { ...GRAFANA, expr: 'up' };
  expect(withoutLive({ ...query, live: true, liveIntervalMs: 2_000 })).toEqual(query);
});

it('a query is empty until something is entered that is no default', () => {
  expect(isEmpty({ refId: 'A', range: true, expr: '' }, FIELDS)).toBe(true);
  expect(isEmpty({ refId: 'A', range: false }, FIELDS)).toBe(false);
  expect(isEmpty({ refId: 'A', expr: 'up' }, FIELDS)).toBe(false);
});

it('a query of which nothing is required is never empty', () => {
  expect(isEmpty({ refId: 'A' }, fieldsOf({ properties: { limit: { type: 'integer' } } }))).toBe(false);
});

it('a query of unknown fields is never empty, since it may be whole', () => {
  expect(isEmpty(GRAFANA, undefined)).toBe(false);
  expect(isEmpty({ ...GRAFANA, expr: '' }, undefined)).toBe(false);
});

it("a query has a value if a member of the guest's is not blank", () => {
  expect(hasValue({ ...GRAFANA, live: true, expr: '', fields: [], limit: null })).toBe(false);
  expect(hasValue({ ...GRAFANA, limit: 0 })).toBe(true);
});
