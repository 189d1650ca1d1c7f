/** What Grafana loads: the data source with its editors. */

import { DataSourcePlugin } from '@grafana/data';

import { GraftDatasource } from './datasource';
import { ConfigEditor } from './editors/ConfigEditor';
import { QueryEditor } from './editors/QueryEditor';
import type { GraftQuery, GraftSecrets, GraftSettings } from './model';

export const plugin = new DataSourcePlugin<GraftDatasource, GraftQuery, GraftSettings, GraftSecrets>(GraftDatasource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
