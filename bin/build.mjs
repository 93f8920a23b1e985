#!/usr/bin/env node
// Builds dist/: the event types and the event validator from schema/, then the TypeScript; and the manifest, by which oclif need
// not load every command to list them. dist/ appears all at once: who runs it meanwhile has the old one, or the new one.
import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {Plugin} from '@oclif/core';
import {Ajv} from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import {compile} from 'json-schema-to-typescript';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const schema = JSON.parse(readFileSync('schema/events-1.json', 'utf8'));
const made = mkdtempSync('dist-');
chmodSync(made, 0o755);
try {
  await writeEventTypes();
  writeEventValidator();
  execFileSync('node_modules/.bin/tsc', ['--outDir', made], {stdio: 'inherit'});
  putInPlace();
} catch (error) {
  // tsc has said what is wrong.
  if (error.status === undefined) throw error;
  process.exitCode = 1;
} finally {
  rmSync(made, {recursive: true, force: true});
}
if (!process.exitCode) await writeManifest();

/** Written only when it is another text: a build does not make sources newer than itself. */
async function writeEventTypes() {
  const types = await compile(structuredClone(schema), 'TraceEvent', {
    additionalProperties: false,
    bannerComment: '// Made by bin/build.mjs from schema/events-1.json. Change that file instead.',
  });
  const path = 'src/events.ts';
  if (!existsSync(path) || readFileSync(path, 'utf8') !== types) writeFileSync(path, types);
}

function writeEventValidator() {
  const ajv = new Ajv({
    code: {source: true, esm: true},
    strict: true,
    strictRequired: false,
    strictTuples: false,
    discriminator: true,
  });
  writeFileSync(`${made}/validate-event.js`, standaloneCode.default(ajv, ajv.compile(schema)));
}

function putInPlace() {
  const old = `${made}-old`;
  if (existsSync('dist')) renameSync('dist', old);
  renameSync(made, 'dist');
  rmSync(old, {recursive: true, force: true});
}

/** What `oclif manifest` does. */
async function writeManifest() {
  const plugin = new Plugin({root: process.cwd(), ignoreManifest: true, errorOnManifestCreate: true});
  await plugin.load();
  writeFileSync(`${made}.json`, `${JSON.stringify(plugin.manifest, null, 2)}\n`);
  renameSync(`${made}.json`, 'oclif.manifest.json');
}
