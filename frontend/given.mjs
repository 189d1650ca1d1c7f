// What a plugin's module may ask its loader for.

/** What Grafana gives to every plugin. Everything else is bundled. */
export const GIVEN_BY_GRAFANA = [
  'lodash', 'jquery', 'moment', 'slate', 'emotion', '@emotion/react', '@emotion/css', 'prismjs',
  'slate-plain-serializer', '@grafana/slate-react', 'react', 'react/jsx-runtime', 'react/jsx-dev-runtime', 'react-dom',
  'react-redux', 'redux', 'rxjs', 'i18next', 'react-router', 'd3', 'angular', '@grafana/ui', '@grafana/runtime',
  '@grafana/data',
];
