import { LoadingState, type DataQueryResponse } from '@grafana/data';
import { config } from '@grafana/runtime';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { absoluteRange, answer, instanceSettings, openStreams, requestOf, routesOf, setVariables } from '../test/grafana';
import { GraftDatasource } from './datasource';

const QUERY_SCHEMA = {
  required: ['expr'],
  properties: { expr: { type: 'string' }, range: { type: 'boolean', default: true } },
};

/** What Grafana answers to queries A with one frame. */
const ANSWER = {
  results: { A: { frames: [{ schema: { fields: [{ name: 'host', type: 'string' }] }, data: { values: [['a', 'b']] } }] } },
};

let datasource: GraftDatasource;

beforeEach(() => {
  setVariables({ host: 'web-1' });
  datasource = new GraftDatasource(instanceSettings());
});

afterEach(() => {
  config.publicDashboardAccessToken = '';
});

function ask(...targets: Parameters<typeof requestOf>[0]): Promise<DataQueryResponse[]> {
  return lastValueFrom(datasource.query(requestOf(targets)).pipe(toArray()));
}

it('variables are replaced, but for those that the guest replaces in alerts too', () => {
  const scoped = { job: { text: 'x', value: 'node' }, __interval: { text: '1s', value: '1s' } };
  const query = { refId: '$host', expr: 'rate(up{host="$host",job="$job"}[$__interval])' };
  expect(datasource.applyTemplateVariables(query, scoped)).toEqual({
    refId: '$host',
    expr: 'rate(up{host="web-1",job="node"}[$__interval])',
  });
});

it('hidden queries are not asked, nor empty ones once the schema says what is missing', async () => {
  const filter = (): boolean[] =>
    [{ expr: 'up' }, { expr: 'up', hide: true }, { expr: '' }].map((members) =>
      datasource.filterQuery({ refId: 'A', ...members }),
    );
  expect(filter()).toEqual([true, false, true]);
  answer({ schema: { name: 'prometheus', querySchema: QUERY_SCHEMA } });
  await datasource.guest();
  expect(filter()).toEqual([true, false, false]);
});

it('a query without a value is asked on a fresh page if nothing is required', async () => {
  const schema = { name: 'prometheus', querySchema: { properties: { limit: { type: 'integer' } } } };
  const sent = answer({ schema, query: ANSWER });
  expect(await ask({ refId: 'A' })).toMatchObject([{ data: [{ refId: 'A' }] }]);
  await ask({ refId: 'A' });
  expect(routesOf(sent)).toEqual(['schema', 'query', 'query']);
});

it('a query without a value is not asked on a fresh page if something is required', async () => {
  const sent = answer({ schema: { name: 'prometheus', querySchema: QUERY_SCHEMA } });
  expect(await ask({ refId: 'A' })).toMatchObject([{ data: [] }]);
  expect(routesOf(sent)).toEqual(['schema']);
});

it('a query without a value is left to its guest where no form can stand for the schema', async () => {
  const sent = answer({ schema: { name: 'prometheus', querySchema: { oneOf: [{}] } }, query: ANSWER });
  await ask({ refId: 'A' });
  expect(routesOf(sent)).toEqual(['schema', 'query']);
});

it('a query without a value is asked although nobody can say what the schema is', async () => {
  const sent = answer({ query: ANSWER });
  expect(await ask({ refId: 'A' })).toMatchObject([{ data: [{ refId: 'A' }] }]);
  expect(routesOf(sent)).toEqual(['schema', 'query']);
});

it('a query with a value does not wait for the schema', async () => {
  const sent = answer({ schema: { name: 'prometheus' }, query: ANSWER });
  await ask({ refId: 'A', expr: 'up' }, { refId: 'B', hide: true });
  expect(routesOf(sent)).toEqual(['query']);
});

it("new queries begin with the schema's defaults, once it is known", async () => {
  answer({ schema: { name: 'prometheus', querySchema: QUERY_SCHEMA } });
  expect(datasource.getDefaultQuery()).toEqual({});
  await datasource.guest();
  expect(datasource.getDefaultQuery()).toEqual({ range: true });
  expect(datasource.filterQuery({ refId: 'A', range: true })).toBe(false);
});

it('the guest is asked about once, and again after a failure', async () => {
  answer({});
  await expect(datasource.guest()).rejects.toMatchObject({ status: 404 });
  const sent = answer({ schema: { name: 'prometheus' } });
  await datasource.guest();
  await datasource.guest();
  expect(sent).toHaveLength(1);
});

it('a data source without a guest says so', async () => {
  await expect(new GraftDatasource(instanceSettings('')).guest()).rejects.toThrow('has no guest');
});

it('a query is asked flat, with its variables replaced', async () => {
  const sent = answer({ schema: { name: 'prometheus', querySchema: QUERY_SCHEMA }, query: ANSWER });
  await datasource.guest();
  await ask({ refId: 'A', queryType: 'range', expr: 'up{host="$host"}' }, { refId: 'B', expr: '' });
  const body = sent[1]?.data as { queries: object[]; from: string };
  expect(sent).toHaveLength(2);
  expect(body.from).toBe('1700000000000');
  expect(body.queries).toMatchObject([{ refId: 'A', queryType: 'range', expr: 'up{host="web-1"}', intervalMs: 1_000 }]);
  expect(body.queries).toHaveLength(1);
});

it('a live query is a channel that carries what is asked', async () => {
  const sent = answer({});
  const opened = openStreams([{ fields: [], length: 0 }]);
  const responses = await ask({ refId: 'B', expr: 'up{host="$host"}', live: true, liveIntervalMs: 2_000 });
  expect(sent).toHaveLength(0);
  expect(opened[0]?.addr).toMatchObject({
    scope: 'ds',
    stream: 'graft-1',
    namespace: 'graft-1',
    data: { query: '{"refId":"B","expr":"up{host=\\"web-1\\"}"}' },
  });
  expect(opened[0]?.addr.path).toMatch(/^live\/2000\/3600000\/[0-9a-f]{64}$/);
  expect(responses).toMatchObject([{ key: 'live-B', data: [{ refId: 'B' }] }]);
});

it('a live query over a range of the past is asked once', async () => {
  const sent = answer({ query: ANSWER });
  const opened = openStreams([]);
  const request = { ...requestOf([{ refId: 'A', expr: 'up', live: true }]), range: absoluteRange() };
  const response = await lastValueFrom(datasource.query(request));
  expect(response).toMatchObject({ data: [{ refId: 'A' }] });
  expect(routesOf(sent)).toEqual(['query']);
  expect(opened).toHaveLength(0);
});

it('live queries and others are answered side by side', async () => {
  answer({ query: ANSWER });
  openStreams([{ fields: [], length: 0 }]);
  const responses = await ask({ refId: 'A', expr: 'up' }, { refId: 'B', expr: 'up', live: true });
  const answered = responses.flatMap(({ data }) => data as { refId: string }[]).map(({ refId }) => refId);
  expect(answered.sort()).toEqual(['A', 'B']);
});

it('in Explore, live is what is looked at live', async () => {
  const opened = openStreams([]);
  const request = { ...requestOf([{ refId: 'A', expr: 'up' }]), liveStreaming: true };
  await lastValueFrom(datasource.query(request));
  expect(opened.map(({ addr }) => addr.data)).toEqual([{ query: '{"refId":"A","expr":"up"}' }]);
});

it('a public dashboard opens no channel', async () => {
  config.publicDashboardAccessToken = 'token';
  const sent = answer({ query: ANSWER });
  const opened = openStreams([]);
  await ask({ refId: 'A', expr: 'up', live: true });
  expect(opened).toHaveLength(0);
  expect(sent[0]?.url).toContain('/api/public/dashboards/token/');
});

it("a variable's values are the answer of its query", async () => {
  answer({ query: ANSWER });
  const values = await datasource.metricFindQuery({ refId: 'A', expr: 'hosts', live: true });
  expect(values).toEqual([{ text: 'a', value: 'a' }, { text: 'b', value: 'b' }]);
});

it('a variable whose query failed says why', async () => {
  answer({ query: { results: { A: { error: 'parse error at char 3', status: 400 } } } });
  await expect(datasource.metricFindQuery({ refId: 'A', expr: 'hosts{' })).rejects.toThrow('parse error at char 3');
  answer({});
  await expect(datasource.metricFindQuery({ refId: 'A', expr: 'hosts' })).rejects.toThrow('no route query');
});

it('a failed query is told as failed, not thrown', async () => {
  answer({});
  expect(await ask({ refId: 'A', expr: 'up' })).toMatchObject([{ state: LoadingState.Error }]);
});
