/** The module as it is built, loaded as Grafana loads it: by AMD, with Grafana's own packages. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import * as data from '@grafana/data';
import * as runtime from '@grafana/runtime';
import * as ui from '@grafana/ui';
import { cleanup, render, screen } from '@testing-library/react';
import * as react from 'react';
import * as jsxRuntime from 'react/jsx-runtime';
import * as rxjs from 'rxjs';
import { afterEach, beforeAll, expect, it } from 'vitest';

// @ts-expect-error -- a script for Node, without types.
import { GIVEN_BY_GRAFANA } from '../given.mjs';
import type { GraftDatasource } from '../src/datasource';
import type { GraftQuery, GraftSecrets, GraftSettings } from '../src/model';
import { answer, instanceSettings, settingsOf } from './grafana';

type Plugin = data.DataSourcePlugin<GraftDatasource, GraftQuery, GraftSettings, GraftSecrets>;

const GRAFANA: Record<string, unknown> = {
  '@grafana/data': data,
  '@grafana/runtime': runtime,
  '@grafana/ui': ui,
  react,
  'react/jsx-runtime': jsxRuntime,
  rxjs,
};

let names: string[] = [];
let plugin: Plugin;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graft-frontend-'));
  await promisify(execFile)('node', ['build.mjs', folder]);
  const exported: { plugin?: Plugin }[] = [];
  const define = (wanted: string[], factory: (...given: unknown[]) => { plugin?: Plugin }): void => {
    names = wanted;
    exported.push(factory(...wanted.map((name) => GRAFANA[name])));
  };
  // What a loader does with a script; `define` is all that is there besides the browser.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function('define', await readFile(join(folder, 'module.js'), 'utf8')) as (given: typeof define) => void;
  run(define);
  const [module] = exported;
  if (exported.length !== 1 || module?.plugin === undefined) {
    throw new Error('the module does not export a plugin');
  }
  plugin = module.plugin;
});

afterEach(cleanup);

it('wants nothing but what Grafana gives', () => {
  expect(names).toContain('@grafana/runtime');
  expect(names.filter((name) => !(GIVEN_BY_GRAFANA as string[]).includes(name))).toEqual([]);
});

it('exports a data source plugin with its editors', () => {
  expect(plugin).toBeInstanceOf(data.DataSourcePlugin);
  expect(plugin.components.ConfigEditor).toBeTypeOf('function');
  expect(plugin.components.QueryEditor).toBeTypeOf('function');
  const datasource = new plugin.DataSourceClass(instanceSettings());
  expect(datasource).toBeInstanceOf(runtime.DataSourceWithBackend);
});

it('draws the settings', async () => {
  answer({ guests: { guests: [{ name: 'prometheus', title: 'Prometheus' }] } });
  const ConfigEditor = plugin.components.ConfigEditor as react.ComponentType<{
    options: data.DataSourceSettings<GraftSettings, GraftSecrets>;
    onOptionsChange: () => void;
  }>;
  render(<ConfigEditor options={settingsOf({ url: 'http://localhost:9090' })} onOptionsChange={() => {}} />);
  expect(await screen.findByDisplayValue('http://localhost:9090')).toBeTruthy();
});

it('draws a query by the schema of its guest', async () => {
  const querySchema = { properties: { expr: { type: 'string', title: 'Expression' } } };
  answer({ schema: { name: 'prometheus', querySchema } });
  const datasource = new plugin.DataSourceClass(instanceSettings());
  const { QueryEditor } = plugin.components;
  if (QueryEditor === undefined) {
    throw new Error('the plugin has no query editor');
  }
  const query = { refId: 'A', expr: 'up' };
  render(<QueryEditor datasource={datasource} query={query} onChange={() => {}} onRunQuery={() => {}} />);
  const expression: HTMLInputElement = await screen.findByLabelText(/Expression/);
  expect(expression.value).toBe('up');
});
