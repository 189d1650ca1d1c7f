import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    setupFiles: ['test/browser.ts'],
    // Grafana's packages take long to load: once for all files is enough.
    isolate: false,
    fileParallelism: false,
    // They import style sheets, which Node cannot load by itself.
    server: { deps: { inline: [/@grafana/, /@rc-component/] } },
    // And one of their libraries advertises.
    onConsoleLog: (line) => !line.includes('Locize'),
    // A machine that does something else as well takes its time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
