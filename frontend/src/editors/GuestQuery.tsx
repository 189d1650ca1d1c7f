/** The guest's part of a query, drawn from its schema. */

import type { QueryEditorProps } from '@grafana/data';
import { Alert, LoadingPlaceholder } from '@grafana/ui';
import { useEffect, type ReactElement } from 'react';

import type { GraftDatasource } from '../datasource';
import type { GraftQuery, GraftSettings } from '../model';
import { guestMembers, RESERVED_MEMBERS, withGuestMembers } from '../query';
import { useLoaded } from './loaded';
import { SchemaForm } from './SchemaForm';

/** What Grafana gives to every editor of queries. */
export type QueryProps = QueryEditorProps<GraftDatasource, GraftQuery, GraftSettings>;

type Props = Pick<QueryProps, 'query' | 'datasource' | 'onChange' | 'onRunQuery'>;

/** Shows what the guest is asked; as JSON where its schema cannot be had. */
export function GuestQuery({ query, datasource, onChange, onRunQuery }: Props): ReactElement {
  const guest = useLoaded(`${datasource.uid} ${datasource.guestName}`, () => datasource.guest());
  const isUntouched = Object.keys(guestMembers(query)).length === 0;
  useEffect(() => {
    // A new query was made before the schema was there, and so without the defaults that it names.
    const defaults = datasource.getDefaultQuery();
    if (guest.state === 'ready' && isUntouched && Object.keys(defaults).length > 0) {
      onChange({ ...query, ...defaults });
    }
    // Once, when the schema is there: who empties a query later wants it empty.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [guest.state]);

  if (guest.state === 'loading') {
    return <LoadingPlaceholder text="Asking the guest what its queries look like…" />;
  }
  return (
    <>
      {guest.state === 'failed' && (
        <Alert severity="warning" title="The query is shown as JSON, because the guest's form cannot be had">
          {guest.sentence}
        </Alert>
      )}
      <SchemaForm
        id={`graft-query-${query.refId}`}
        schema={guest.state === 'ready' ? guest.value.querySchema : undefined}
        reserved={RESERVED_MEMBERS}
        values={guestMembers(query)}
        labels="beside"
        onChange={(members) => { onChange(withGuestMembers(query, members)); }}
        onDone={onRunQuery}
      />
    </>
  );
}
