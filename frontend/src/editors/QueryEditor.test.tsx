import { CoreApp } from '@grafana/data';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState, type ReactElement } from 'react';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { answer, instanceSettings } from '../../test/grafana';
import { GraftDatasource } from '../datasource';
import type { GraftQuery } from '../model';
import { QueryEditor } from './QueryEditor';
import { VariableEditor } from './VariableEditor';

const SCHEMA = {
  type: 'object',
  required: ['expr'],
  properties: {
    expr: { type: 'string', title: 'Expression' },
    range: { type: 'boolean', title: 'Range', default: true },
    step: { type: 'integer', title: 'Step', minimum: 1 },
    format: { enum: ['table', 'heatmap'], title: 'Format', default: 'table' },
    fields: { type: 'array', items: { type: 'string' }, title: 'Fields' },
    filters: { type: 'object', title: 'Filters' },
    old: { type: 'string', title: 'Old', deprecated: true },
    refId: { type: 'string', title: 'Not the guest’s' },
  },
};

/** The queries that the editor made, the newest last. */
let made: GraftQuery[];
let runs: number;

beforeEach(() => {
  made = [];
  runs = 0;
});

afterEach(cleanup);

function Editor({ query, app }: { query: GraftQuery; app?: CoreApp }): ReactElement {
  const [datasource] = useState(() => new GraftDatasource(instanceSettings()));
  const [current, setCurrent] = useState(query);
  const change = (changed: GraftQuery): void => {
    made.push(changed);
    setCurrent(changed);
  };
  const shown = app === undefined ? {} : { app };
  return (
    <QueryEditor datasource={datasource} query={current} onChange={change} onRunQuery={() => { runs += 1; }} {...shown} />
  );
}

function edit(query: GraftQuery, schema: unknown = SCHEMA, app?: CoreApp): ReturnType<typeof userEvent.setup> {
  answer({ schema: { name: 'prometheus', querySchema: schema } });
  render(<Editor query={query} {...(app !== undefined && { app })} />);
  return userEvent.setup();
}

it('a text is stored beside the other members as it is typed, and asked for when it is complete', async () => {
  const user = edit({ refId: 'A', expr: 'u', unknown: 1, live: true });
  await user.type(await screen.findByLabelText(/Expression/), 'p');
  expect(made).toEqual([{ refId: 'A', expr: 'up', unknown: 1, live: true }]);
  expect(runs).toBe(0);
  await user.tab();
  expect(runs).toBe(1);
});

it('a new query begins with the defaults of the schema', async () => {
  edit({ refId: 'A' });
  await waitFor(() => { expect(made).toEqual([{ refId: 'A', range: true, format: 'table' }]); });
});

it('a query that has been edited keeps what it has', async () => {
  edit({ refId: 'A', expr: 'up' });
  await screen.findByLabelText(/Expression/);
  expect(made).toEqual([]);
});

it('a toggle shows its default, and is asked for at once', async () => {
  const user = edit({ refId: 'A', expr: 'up' });
  const range: HTMLInputElement = await screen.findByLabelText(/Range/);
  expect(range.checked).toBe(true);
  await user.click(range);
  expect(made).toEqual([{ refId: 'A', expr: 'up', range: false }]);
  expect(runs).toBe(1);
});

it('a number out of its bounds is told, and one that is emptied is not stored', async () => {
  const user = edit({ refId: 'A', expr: 'up', step: 0 });
  expect(await screen.findByText('Step must be at least 1.')).toBeTruthy();
  await user.clear(screen.getByLabelText(/Step/));
  expect(made).toEqual([{ refId: 'A', expr: 'up' }]);
});

it('a choice offers the values of the schema', async () => {
  const user = edit({ refId: 'A', expr: 'up' });
  const format: HTMLInputElement = await screen.findByLabelText(/Format/);
  expect(format.value).toBe('table');
  await user.click(format);
  await user.keyboard('{ArrowDown}{Enter}');
  expect(made).toEqual([{ refId: 'A', expr: 'up', format: 'heatmap' }]);
});

it('a list of texts grows by what is entered', async () => {
  const user = edit({ refId: 'A', expr: 'up', fields: ['one'] });
  await user.type(await screen.findByLabelText(/Fields/), 'two{Enter}');
  expect(made.at(-1)).toEqual({ refId: 'A', expr: 'up', fields: ['one', 'two'] });
});

it('what has a structure is JSON, stored when it can be read', async () => {
  const user = edit({ refId: 'A', expr: 'up', filters: { a: 1 } });
  const filters: HTMLTextAreaElement = await screen.findByLabelText(/Filters/);
  expect(JSON.parse(filters.value)).toEqual({ a: 1 });
  await user.clear(filters);
  await user.type(filters, '{{"b":2');
  expect(screen.getByText(/This is not JSON, so it is not stored yet/)).toBeTruthy();
  expect(made.at(-1)).toEqual({ refId: 'A', expr: 'up' });
  await user.type(filters, '}');
  expect(made.at(-1)).toEqual({ refId: 'A', expr: 'up', filters: { b: 2 } });
  expect(screen.queryByText(/This is not JSON/)).toBeNull();
});

it('a stored value that does not fit its input is shown as it is', async () => {
  edit({ refId: 'A', expr: 'up', step: '$step' });
  const step: HTMLTextAreaElement = await screen.findByLabelText(/Step/);
  expect(step.value).toBe('"$step"');
});

it('fields that are old or not the guest’s are not offered', async () => {
  edit({ refId: 'A', expr: 'up' });
  await screen.findByLabelText(/Expression/);
  expect([screen.queryByLabelText(/Old/), screen.queryByLabelText(/Not the guest/)]).toEqual([null, null]);
  cleanup();
  edit({ refId: 'A', expr: 'up', old: 'used' });
  expect(((await screen.findByLabelText(/Old/)) as unknown as HTMLInputElement).value).toBe('used');
});

it('without a form the whole query is JSON, and stays an object', async () => {
  const user = edit({ refId: 'A', hide: false, expr: 'up' }, { oneOf: [] });
  const json: HTMLTextAreaElement = await screen.findByRole('textbox');
  expect(JSON.parse(json.value)).toEqual({ expr: 'up' });
  await user.clear(json);
  await user.type(json, '[[1]');
  expect(screen.getByText(/must be a JSON object/)).toBeTruthy();
  await user.clear(json);
  await user.type(json, '{{"expr":"down"}');
  expect(made.at(-1)).toEqual({ refId: 'A', hide: false, expr: 'down' });
});

it('where the guest cannot be asked, the query is JSON under the reason', async () => {
  answer({});
  render(<Editor query={{ refId: 'A', expr: 'up' }} />);
  expect(await screen.findByText('no route schema')).toBeTruthy();
  expect(JSON.parse((screen.getAllByRole('textbox')[0] as HTMLTextAreaElement).value)).toEqual({ expr: 'up' });
});

it('a query is made live, slower, and not live again', async () => {
  const user = edit({ refId: 'A', expr: 'up' });
  await user.click(await screen.findByLabelText('Live'));
  expect(made.at(-1)).toEqual({ refId: 'A', expr: 'up', live: true });
  const interval: HTMLInputElement = screen.getByLabelText(/Every/);
  expect(interval.value).toBe('5');
  await user.clear(interval);
  await user.type(interval, '30');
  await user.tab();
  expect(made.at(-1)).toEqual({ refId: 'A', expr: 'up', live: true, liveIntervalMs: 30_000 });
  await user.click(screen.getByLabelText('Live'));
  expect(made.at(-1)).toEqual({ refId: 'A', expr: 'up', liveIntervalMs: 30_000 });
});

it('a new variable begins as a query, and is not live', async () => {
  answer({ schema: { name: 'prometheus', querySchema: SCHEMA } });
  const datasource = new GraftDatasource(instanceSettings());
  const change = (changed: GraftQuery): void => { made.push(changed); };
  const query = '' as unknown as GraftQuery;
  render(<VariableEditor datasource={datasource} query={query} onChange={change} onRunQuery={() => {}} />);
  expect(await screen.findByLabelText(/Expression/)).toBeTruthy();
  expect(made).toEqual([{ refId: 'variable', range: true, format: 'table' }]);
  expect(screen.queryByLabelText('Live')).toBeNull();
});

it('alert rules are not live', async () => {
  edit({ refId: 'A', expr: 'up' }, SCHEMA, CoreApp.UnifiedAlerting);
  await screen.findByLabelText(/Expression/);
  expect(screen.queryByLabelText('Live')).toBeNull();
});
