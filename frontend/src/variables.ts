/** Template variables: a query's answer as the values that a dashboard offers. */

import {
  CustomVariableSupport,
  FieldType,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type Field,
  type MetricFindValue,
} from '@grafana/data';
import { from, map, type Observable } from 'rxjs';

import type { GraftDatasource } from './datasource';
import { VariableEditor } from './editors/VariableEditor';
import type { GraftQuery } from './model';

/** Lets variables be asked for by queries of the guest. */
export class GraftVariables extends CustomVariableSupport<GraftDatasource, GraftQuery> {
  override editor = VariableEditor;

  constructor(private readonly datasource: GraftDatasource) {
    super();
  }

  override query(request: DataQueryRequest<GraftQuery>): Observable<DataQueryResponse> {
    const [query] = request.targets;
    const values = query === undefined ? Promise.resolve([]) : this.datasource.metricFindQuery(query, request);
    return from(values).pipe(map((data) => ({ data })));
  }
}

/**
 * The values of a variable: the field `value` with the field `text` beside it (also written `__value`, `__text`),
 * else the first field of texts, else the first of numbers. What is null is left out, and what was there before.
 */
export function valuesOf(frames: DataFrame[]): MetricFindValue[] {
  const values = new Map<string, MetricFindValue>();
  for (const frame of frames) {
    const value = named(frame, 'value') ?? named(frame, 'text') ?? plain(frame);
    const label = named(frame, 'text') ?? value;
    const rows = value?.values ?? [];
    for (const [row, one] of rows.entries()) {
      const written = write(one);
      if (one !== null && one !== undefined && !values.has(written)) {
        values.set(written, { text: write(label?.values[row] ?? one), value: written });
      }
    }
  }
  return [...values.values()];
}

function named(frame: DataFrame, name: string): Field<unknown> | undefined {
  return frame.fields.find((field) => field.name === name || field.name === `__${name}`);
}

function plain(frame: DataFrame): Field<unknown> | undefined {
  const first = (type: FieldType) => frame.fields.find((field) => field.type === type);
  return first(FieldType.string) ?? first(FieldType.number);
}

function write(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
