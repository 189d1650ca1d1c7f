/** Queries as dashboards store them: whose member is which, what is empty, and where variables are replaced. */

import { isObject, isSame, withoutMembers, type JsonObject } from './json';
import type { GraftQuery } from './model';
import { defaultsOf, type Field } from './schema';

/** Grafana's members. Their texts are names, not for variables. */
const GRAFANA_MEMBERS = ['refId', 'datasource', 'key', 'hide', 'queryType'];

/** Our members. */
const LIVE_MEMBERS = ['live', 'liveIntervalMs'];

/** The members of a query that are not the guest's, and that a schema therefore cannot name. */
export const RESERVED_MEMBERS = [...GRAFANA_MEMBERS, ...LIVE_MEMBERS];

/** The guest's part of a query. */
export function guestMembers(query: GraftQuery): JsonObject {
  return withoutMembers(query, RESERVED_MEMBERS);
}

/** The query with another guest's part. */
export function withGuestMembers(query: GraftQuery, members: JsonObject): GraftQuery {
  const kept = withoutMembers(query, Object.keys(guestMembers(query)));
  return { ...kept, ...withoutMembers(members, RESERVED_MEMBERS), refId: query.refId };
}

/** What is asked by a live query: all but how it is kept up to date. */
export function withoutLive(query: GraftQuery): GraftQuery {
  return { ...withoutMembers(query, LIVE_MEMBERS), refId: query.refId };
}

/** Replaces variables in the texts of a query, also in nested ones. */
export function interpolate(query: GraftQuery, replace: (text: string) => string): GraftQuery {
  const replaced = Object.entries(query).map(([name, value]) => [
    name,
    GRAFANA_MEMBERS.includes(name) ? value : interpolateValue(value, replace),
  ]);
  return { ...(Object.fromEntries(replaced) as JsonObject), refId: query.refId };
}

/**
 * Whether nobody has filled the query in yet: nothing but defaults is there, and the schema requires more. Where no fields
 * are known the guest is the judge, because a query of defaults alone may be whole.
 */
export function isEmpty(query: GraftQuery, fields: Field[] | undefined): boolean {
  if (fields === undefined) {
    return false;
  }
  const members = guestMembers(query);
  const defaults = defaultsOf(fields);
  const isUntouched = Object.entries(members).every(
    ([name, value]) => isBlank(value) || isSame(value, defaults[name]),
  );
  return isUntouched && fields.some((field) => field.isRequired && isBlank(members[field.name] ?? field.default));
}

/** Whether somebody has entered something of the guest's. */
export function hasValue(query: GraftQuery): boolean {
  return !Object.values(guestMembers(query)).every(isBlank);
}

function isBlank(value: unknown): boolean {
  const isNothing = value === undefined || value === null || value === '';
  return isNothing || (Array.isArray(value) && value.length === 0);
}

function interpolateValue(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') {
    return replace(value);
  }
  if (Array.isArray(value)) {
    return value.map((one) => interpolateValue(one, replace));
  }
  if (isObject(value)) {
    const members = Object.entries(value);
    return Object.fromEntries(members.map(([name, one]) => [name, interpolateValue(one, replace)]));
  }
  return value;
}
