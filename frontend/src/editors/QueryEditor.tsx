/** The editor of queries, in panels, alert rules, annotations and Explore. */

import { CoreApp } from '@grafana/data';
import { InlineField, InlineSwitch, Input } from '@grafana/ui';
import type { ReactElement } from 'react';

import { withMember } from '../json';
import { intervalOf, LIVE_INTERVAL_MIN_MS } from '../live';
import { GuestQuery, type QueryProps } from './GuestQuery';
import { LABEL_WIDTH } from './SchemaForm';

/** Shows what the guest is asked, and whether the answer is kept up to date. */
export function QueryEditor({ query, datasource, app, onChange, onRunQuery }: QueryProps): ReactElement {
  return (
    <>
      <GuestQuery query={query} datasource={datasource} onChange={onChange} onRunQuery={onRunQuery} />
      {isWatched(app) && <LiveFields query={query} onChange={onChange} onRunQuery={onRunQuery} />}
    </>
  );
}

/** Alert rules are evaluated on the server, where nobody watches. */
function isWatched(app: QueryProps['app']): boolean {
  return app !== CoreApp.UnifiedAlerting && app !== CoreApp.CloudAlerting;
}

function LiveFields({ query, onChange, onRunQuery }: Pick<QueryProps, 'query' | 'onChange' | 'onRunQuery'>): ReactElement {
  const id = `graft-query-${query.refId}-live`;
  const change = (name: string, value: unknown): void => { onChange(withMember(query, name, value)); };
  return (
    <>
      <InlineField
        label="Live"
        htmlFor={id}
        labelWidth={LABEL_WIDTH}
        tooltip="Keeps the answer up to date without the dashboard's refresh. Everybody who looks shares the requests."
      >
        <InlineSwitch
          id={id}
          value={query.live === true}
          onChange={(event) => {
            change('live', event.currentTarget.checked || undefined);
            onRunQuery();
          }}
        />
      </InlineField>
      {query.live === true && (
        <InlineField label="Every" htmlFor={`${id}-interval`} labelWidth={LABEL_WIDTH} tooltip="Seconds between requests.">
          <Input
            id={`${id}-interval`}
            type="number"
            width={LABEL_WIDTH}
            min={LIVE_INTERVAL_MIN_MS / 1_000}
            suffix="s"
            defaultValue={intervalOf(query) / 1_000}
            onBlur={(event) => {
              const seconds = Number(event.currentTarget.value);
              change('liveIntervalMs', seconds > 0 ? intervalOf({ ...query, liveIntervalMs: seconds * 1_000 }) : undefined);
              onRunQuery();
            }}
          />
        </InlineField>
      )}
    </>
  );
}
