/** A configured data source, as Grafana's pages use it. All that a guest does happens in the host; this only asks it. */

import {
  dateTime,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
  getDefaultTimeRange,
  type MetricFindValue,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import { config, DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import { catchError, defer, lastValueFrom, merge, mergeMap, of, type Observable } from 'rxjs';

import { fetchGuest } from './host';
import { endsNow, streamOf } from './live';
import type { Guest, GraftQuery, GraftSettings } from './model';
import { guestMembers, hasValue, interpolate, isEmpty } from './query';
import { defaultsOf, fieldsOf, type Field } from './schema';
import { GraftVariables, valuesOf } from './variables';

/** Variables that the guest replaces, because alert rules have nobody else who does: so panels and alerts mean the same. */
const GUEST_VARIABLES = ['__interval', '__interval_ms', '__rate_interval', '__rate_interval_ms'];

/** Of a variable's query, the points that are asked for. */
const VARIABLE_POINTS_MAX = 1_000;

/** What Grafana tells about when and where a variable is asked for. */
export interface VariableOptions {
  range?: TimeRange;
  scopedVars?: ScopedVars;
}

/** A configured data source. */
export class GraftDatasource extends DataSourceWithBackend<GraftQuery, GraftSettings> {
  /** The guest's name, empty where none is configured. */
  readonly guestName: string;

  /** What the guest says about itself, once somebody asked. */
  private described: Promise<Guest> | undefined;

  /** The fields of its queries, once they are known and if a form can stand for them. */
  private fields: Field[] | undefined;

  constructor(settings: DataSourceInstanceSettings<GraftSettings>) {
    super(settings);
    this.guestName = settings.jsonData.guest ?? '';
    // The same editor as for panels.
    this.annotations = {};
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- one of three kinds is expected
    this.variables = new GraftVariables(this);
  }

  /** What the guest says about itself; asked for once, and again after a failure. */
  async guest(): Promise<Guest> {
    if (this.guestName === '') {
      throw new Error('The data source has no guest: choose one in its settings.');
    }
    this.described ??= fetchGuest(this.uid, this.guestName);
    try {
      const guest = await this.described;
      this.fields = fieldsOf(guest.querySchema);
      return guest;
    } catch (error) {
      this.described = undefined;
      throw error;
    }
  }

  override getDefaultQuery(): Partial<GraftQuery> {
    return this.fields === undefined ? {} : defaultsOf(this.fields);
  }

  override filterQuery(query: GraftQuery): boolean {
    return query.hide !== true && !isEmpty(query, this.fields);
  }

  override getQueryDisplayText(query: GraftQuery): string {
    return JSON.stringify(guestMembers(query));
  }

  override applyTemplateVariables(query: GraftQuery, scopedVars: ScopedVars): GraftQuery {
    const own = Object.entries(scopedVars).filter(([name]) => !GUEST_VARIABLES.includes(name));
    const variables = Object.fromEntries(own) as ScopedVars;
    return interpolate(query, (text) => getTemplateSrv().replace(text, variables));
  }

  override query(request: DataQueryRequest<GraftQuery>): Observable<DataQueryResponse> {
    if (config.publicDashboardAccessToken) {
      // Grafana knows the queries of a public dashboard by itself, and gives anonymous visitors no channel.
      return super.query(request);
    }
    const isInDoubt = request.targets.some((query) => query.hide !== true && !hasValue(query));
    if (!isInDoubt || this.fields !== undefined) {
      return this.queryNow(request);
    }
    // Whether a query without a value is a whole one, the schema says. Why it cannot be had, the answer will say.
    return defer(() => this.guest()).pipe(
      catchError(() => of(undefined)),
      mergeMap(() => this.queryNow(request)),
    );
  }

  /** Asks what is not empty by all that is known. */
  private queryNow(request: DataQueryRequest<GraftQuery>): Observable<DataQueryResponse> {
    const targets = request.targets.filter((query) => this.filterQuery(query));
    // Explore has a switch of its own. What ends in the past has no news.
    const isLive = (query: GraftQuery): boolean =>
      request.liveStreaming === true || (query.live === true && endsNow(request.range));
    const streams = targets
      .filter(isLive)
      .map((query) => this.applyTemplateVariables(query, request.scopedVars))
      .map((query) => streamOf(this.uid, query, request.range));
    const asked = targets.filter((query) => !isLive(query));
    if (asked.length === 0 && streams.length > 0) {
      return merge(...streams);
    }
    return merge(super.query({ ...request, targets: asked }), ...streams);
  }

  override async metricFindQuery(query: GraftQuery, options?: VariableOptions): Promise<MetricFindValue[]> {
    const range = options?.range ?? getDefaultTimeRange();
    const length = range.to.valueOf() - range.from.valueOf();
    const intervalMs = Math.max(1, Math.ceil(length / VARIABLE_POINTS_MAX));
    const request: DataQueryRequest<GraftQuery> = {
      app: 'variable',
      requestId: `graft-variable-${this.uid}-${JSON.stringify(query)}`,
      interval: `${intervalMs}ms`,
      intervalMs,
      maxDataPoints: VARIABLE_POINTS_MAX,
      range,
      scopedVars: options?.scopedVars ?? {},
      // A variable is asked for once, however its query is marked.
      targets: [{ ...query, refId: query.refId || 'variable', live: false }],
      timezone: 'browser',
      startTime: dateTime().valueOf(),
    };
    const response = await lastValueFrom(this.query(request));
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- a failed connection is told here alone
    const failure = response.errors?.[0] ?? response.error;
    if (failure !== undefined) {
      throw new Error(failure.message ?? failure.data?.message ?? 'The query of the variable failed.');
    }
    return valuesOf(response.data as DataFrame[]);
  }
}
