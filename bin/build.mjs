#!/usr/bin/env node
// Builds dist/: the event types and the event validator from schema/, then the TypeScript.
import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {Ajv} from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import {compile} from 'json-schema-to-typescript';

process.chdir(new URL('..', import.meta.url).pathname);

const schema = JSON.parse(readFileSync('schema/events-1.json', 'utf8'));

// A manifest describes the commands of one build; a stale one hides new commands. `npm pack` makes it again.
rmSync('oclif.manifest.json', {force: true});
rmSync('dist', {recursive: true, force: true});
mkdirSync('dist', {recursive: true});

const types = await compile(structuredClone(schema), 'TraceEvent', {
  additionalProperties: false,
  bannerComment: '// Made by bin/build.mjs from schema/events-1.json. Change that file instead.',
});
writeFileSync('src/events.ts', types);

const ajv = new Ajv({
  code: {source: true, esm: true},
  strict: true,
  strictRequired: false,
  strictTuples: false,
  discriminator: true,
});
writeFileSync('dist/validate-event.js', standaloneCode.default(ajv, ajv.compile(schema)));

execFileSync('npx', ['tsc'], {stdio: 'inherit'});
