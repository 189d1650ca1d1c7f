// Builds the AMD module that Grafana loads: `node build.mjs [folder]`, where the folder gets module.js and module.js.map.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { GIVEN_BY_GRAFANA } from './given.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * The module is CommonJS between two lines that make it AMD. They keep to what every AMD loader can do: the names of what
 * is given, and a function from what is given to what is exported.
 */
async function buildModule(folder) {
  await mkdir(folder, { recursive: true });
  const options = {
    absWorkingDir: HERE,
    entryPoints: ['src/module.ts'],
    outfile: resolve(folder, 'module.js'),
    bundle: true,
    minify: true,
    format: 'cjs',
    platform: 'browser',
    target: 'es2022',
    sourcemap: true,
    legalComments: 'none',
    external: GIVEN_BY_GRAFANA,
    metafile: true,
    logLevel: 'warning',
  };
  const { metafile } = await build({ ...options, write: false });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const names = [...new Set(imports.filter((one) => one.external).map((one) => one.path))].sort();
  await build({
    ...options,
    banner: {
      js:
        `define(${JSON.stringify(names)},function(){"use strict";const given=arguments,` +
        `names=${JSON.stringify(names)},require=(name)=>given[names.indexOf(name)],module={exports:{}};`,
    },
    footer: { js: `return module.exports});\n${await licences(Object.keys(metafile.inputs))}` },
  });
  await nameSources(`${options.outfile}.map`, folder);
  return options.outfile;
}

/** The licences of the packages that are bundled, which have to go wherever their code goes. */
async function licences(inputs) {
  const packages = inputs.map((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1]).filter(Boolean);
  const notices = [...new Set(packages)].sort().map(async (name) => {
    const licence = await readFile(resolve(HERE, 'node_modules', name, 'LICENSE'), 'utf8');
    return `/*! Contains ${name}\n\n${licence.trim().replaceAll('*/', '* /')}\n*/`;
  });
  return (await Promise.all(notices)).join('\n');
}

/** Names sources in the map as they lie in this folder, so that it is the same wherever it is built. */
async function nameSources(file, folder) {
  const map = JSON.parse(await readFile(file, 'utf8'));
  map.sources = map.sources.map((source) => relative(HERE, resolve(folder, source)));
  await writeFile(file, JSON.stringify(map));
}

const target = resolve(HERE, '../target/frontend');
console.log(await buildModule(resolve(process.argv[2] ?? target)));
