/** What Grafana's pages provide, for tests: services, and a data source's settings. */

import {
  dateTime,
  type DataQueryRequest,
  type DataSourceInstanceSettings,
  type DataSourceSettings,
  type RawTimeRange,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import {
  type BackendSrv,
  type BackendSrvRequest,
  type DataSourceSrv,
  type GrafanaLiveSrv,
  type LiveDataStreamOptions,
  setBackendSrv,
  setDataSourceSrv,
  setGrafanaLiveSrv,
  setTemplateSrv,
  type TemplateSrv,
} from '@grafana/runtime';
import { of, throwError, type Observable } from 'rxjs';

import type { GraftQuery, GraftSecrets, GraftSettings } from '../src/model';

const UID = 'graft-1';

/** Answers the host's routes by their names; a route without an answer fails as Grafana's would. Returns what was sent. */
export function answer(routes: Record<string, unknown>): BackendSrvRequest[] {
  const sent: BackendSrvRequest[] = [];
  const fetch = (request: BackendSrvRequest): Observable<unknown> => {
    sent.push(request);
    const route = routeOf(request.url);
    return route in routes
      ? of({ data: routes[route], status: 200 })
      : throwError(() => ({ status: 404, statusText: 'Not Found', data: { message: `no route ${route}` } }));
  };
  setBackendSrv({ fetch } as unknown as BackendSrv);
  return sent;
}

function routeOf(url: string): string {
  return url.replace(/\?.*$/, '').replace(/^.*\//, '');
}

/** The routes that were asked, by their names. */
export function routesOf(sent: BackendSrvRequest[]): string[] {
  return sent.map(({ url }) => routeOf(url));
}

/** Replaces variables such as `$host` by what they are set to here, or in the scope. */
export function setVariables(variables: Record<string, string>): void {
  const replace = (text = '', scoped: ScopedVars = {}): string =>
    text.replace(/\$(\w+)/g, (whole, name: string) => variables[name] ?? String(scoped[name]?.value ?? whole));
  setTemplateSrv({ replace } as unknown as TemplateSrv);
}

/** Lets streams be opened; returns what was asked for. */
export function openStreams(frames: unknown[]): LiveDataStreamOptions[] {
  const opened: LiveDataStreamOptions[] = [];
  const getDataStream = (options: LiveDataStreamOptions): Observable<unknown> => {
    opened.push(options);
    return of({ data: frames });
  };
  setGrafanaLiveSrv({ getDataStream } as unknown as GrafanaLiveSrv);
  return opened;
}

/** A data source as a dashboard knows it, which Grafana then finds by its uid. */
export function instanceSettings(guest = 'prometheus'): DataSourceInstanceSettings<GraftSettings> {
  const settings: DataSourceInstanceSettings<GraftSettings> = {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- Grafana's own code still reads it
    id: 1,
    uid: UID,
    type: 'graft-datasource',
    name: 'Prometheus through Graft',
    access: 'proxy',
    readOnly: false,
    jsonData: { guest },
    meta: { id: 'graft-datasource' } as DataSourceInstanceSettings['meta'],
  };
  setDataSourceSrv({ getInstanceSettings: () => settings } as unknown as DataSourceSrv);
  return settings;
}

/** A data source as its settings page knows it. */
export function settingsOf(
  changed: Partial<DataSourceSettings<GraftSettings, GraftSecrets>>,
): DataSourceSettings<GraftSettings, GraftSecrets> {
  return {
    id: 1,
    uid: UID,
    orgId: 1,
    name: 'Prometheus through Graft',
    typeLogoUrl: '',
    type: 'graft-datasource',
    typeName: 'Graft',
    access: 'proxy',
    url: '',
    user: '',
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the type still has it
    database: '',
    basicAuth: false,
    basicAuthUser: '',
    isDefault: false,
    jsonData: {},
    secureJsonFields: {},
    readOnly: false,
    withCredentials: false,
    ...changed,
  };
}

/** A range of so many milliseconds, which people gave as these words. */
export function rangeOfLength(milliseconds: number, raw: RawTimeRange = { from: 'now-1h', to: 'now' }): TimeRange {
  return { from: dateTime(1_700_000_000_000), to: dateTime(1_700_000_000_000 + milliseconds), raw };
}

/** An hour of the past, from one date to another. */
export function absoluteRange(): TimeRange {
  const { from, to } = rangeOfLength(3_600_000);
  return { from, to, raw: { from, to } };
}

/** A panel's request. */
export function requestOf(targets: GraftQuery[], scopedVars: ScopedVars = {}): DataQueryRequest<GraftQuery> {
  return {
    app: 'dashboard',
    requestId: 'Q1',
    interval: '1s',
    intervalMs: 1_000,
    range: rangeOfLength(3_600_000),
    scopedVars,
    targets,
    timezone: 'utc',
    startTime: 0,
  };
}
