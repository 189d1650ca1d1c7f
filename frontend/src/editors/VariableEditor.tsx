/** The editor of the queries that template variables ask. */

import type { ReactElement } from 'react';

import { isObject } from '../json';
import type { GraftQuery } from '../model';
import { GuestQuery, type QueryProps } from './GuestQuery';

/** Shows what the guest is asked. A variable is not live: it is asked for when the dashboard is opened or changes. */
export function VariableEditor({ query, datasource, onChange, onRunQuery }: QueryProps): ReactElement {
  return <GuestQuery query={queryOf(query)} datasource={datasource} onChange={onChange} onRunQuery={onRunQuery} />;
}

/** A new variable has an empty text instead of a query. */
function queryOf(stored: unknown): GraftQuery {
  const query = isObject(stored) ? stored : {};
  return { ...query, refId: typeof query.refId === 'string' && query.refId !== '' ? query.refId : 'variable' };
}
