/** Takes the pictures of docs/report.md: `node test/sinks/report/take-pictures.ts REPORT.html`, through tap's loader. */
import {writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {Browser} from './browser.js';

const docs = join(import.meta.dirname, '../../../docs');
const browser = await Browser.open();
await browser.goto(pathToFileURL(resolve(process.argv[2] as string)).href);
for (const colours of ['light', 'dark'] as const) {
  writeFileSync(
    join(docs, `report-${colours}.png`),
    await browser.screenshot(1280, colours, Number(process.argv[3]) || undefined),
  );
}
for (const line of browser.said) console.log(line);
await browser.close();
