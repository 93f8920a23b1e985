import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import t, {type Test} from 'tap';
import type {TraceEvent} from '../../../src/model.js';
import {ReportFold} from '../../../src/sinks/report/fold.js';
import {embeddable, reportHtml} from '../../../src/sinks/report/html.js';
import {Browser, whyNoBrowser} from './browser.js';
import {hostileRecording, hostileTexts, recording} from './events.js';

const skip = whyNoBrowser();

function htmlOf(events: readonly TraceEvent[]): string {
  const fold = new ReportFold();
  for (const event of events) fold.add(event);
  return reportHtml(fold.report());
}

async function open(t: Test, html: string): Promise<Browser> {
  const path = join(t.testdir({}), 'report.html');
  writeFileSync(path, html);
  const browser = await Browser.open();
  t.teardown(() => browser.close());
  await browser.goto(pathToFileURL(path).href);
  return browser;
}

t.test('what is embedded ends no element, opens no comment, and is the same again', async (t) => {
  const text = embeddable(hostileTexts);
  t.notMatch(text, /[<>&\u2028\u2029]/);
  t.strictSame(JSON.parse(text), hostileTexts);
});

t.test('the page names no address of another place', async (t) => {
  const html = htmlOf(recording());
  const markup = html.replaceAll(/<script[^>]*>.*?<\/script>/gs, '');
  t.equal(markup.match(/(?:src|href|action|srcset)=|@import|url\(|https?:\/\//), null);
  t.match(html, /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-/);
});

t.test('a report is drawn whole, fetches nothing, and the console has nothing to say', {skip}, async (t) => {
  const browser = await open(t, htmlOf(recording()));
  const text: string = await browser.evaluate('document.body.innerText');
  for (const said of [
    'TLS traffic on shop-3',
    'captured 1,000 + cut 200 + lost 100',
    '/users/:id',
    'old.example expired',
    'node shop.js',
    'A library was not probed',
    'Secrets masked: 3; bytes not looked into: 20',
  ]) {
    t.ok(text.includes(said), said);
  }
  t.equal(await browser.evaluate('document.querySelectorAll("canvas").length'), 4);
  t.equal(await browser.evaluate('document.querySelectorAll(".shake").length'), 3);
  t.strictSame(browser.said, []);
  t.strictSame(
    browser.fetched.filter((url) => !url.startsWith('file:')),
    [],
  );
  t.equal(browser.fetched.length, 1);
});

t.test('a report of what was not redacted says so', {skip}, async (t) => {
  const [session, ...rest] = recording();
  const browser = await open(t, htmlOf([{...session, redaction: 'off'} as TraceEvent, ...rest]));
  t.match(await browser.evaluate('document.body.innerText'), /secrets may stand below/);
});

t.test('tables sort by their heads, filter by words, and show all when asked', {skip}, async (t) => {
  const browser = await open(t, htmlOf(recording()));
  const inTable = (name: string, rest: string) =>
    browser.evaluate(`(() => {
      const table = [...document.querySelectorAll('.table')].find((each) => each.querySelector('caption').textContent === ${JSON.stringify(name)});
      const column = (label) => [...table.querySelectorAll('th')].findIndex((head) => head.textContent === label);
      const cells = (label) => [...table.querySelectorAll('tbody tr')].map((row) => row.children[column(label)].textContent);
      const sortBy = (label) => table.querySelectorAll('th button')[column(label)].click();
      ${rest}
    })()`);
  t.strictSame((await inTable('Slowest exchanges', "return cells('Took')")).slice(0, 2), ['100 ms', '99.0 ms']);
  t.equal(await inTable('Slowest exchanges', "return cells('Took').length"), 10);
  t.strictSame(
    (await inTable('Slowest exchanges', "sortBy('Took'); sortBy('Took'); return cells('Took')")).slice(0, 2),
    ['1.00 ms', '2.00 ms'],
  );
  t.equal(
    await inTable('Slowest exchanges', "return table.querySelectorAll('th')[column('Took')].ariaSort"),
    'ascending',
  );
  t.equal(await inTable('Slowest exchanges', "table.querySelector('.all').click(); return cells('Took').length"), 100);
  const filter = (words: string) =>
    inTable(
      'Slowest exchanges',
      `const input = table.querySelector('input'); input.value = ${JSON.stringify(words)}; input.dispatchEvent(new Event('input')); return cells('Request')`,
    );
  t.strictSame(await filter('503 USERS/99'), ['GET /users/99?page=2']);
  t.strictSame(await filter('nowhere'), []);
  t.strictSame(browser.said, []);
});

t.test('whatever names, headers, paths and sentences are, no script of theirs runs', {skip}, async (t) => {
  const browser = await open(t, htmlOf(hostileRecording()));
  await browser.evaluate(
    'for (const button of document.querySelectorAll("button")) { button.click(); button.click(); }',
  );
  await browser.evaluate(
    'for (const each of document.querySelectorAll("*")) each.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}))',
  );
  t.equal(await browser.evaluate('window.owned'), undefined);
  t.equal(await browser.evaluate('({}).owned'), undefined);
  t.strictSame(browser.said, []);
  t.equal(browser.fetched.length, 1);
  const text: string = await browser.evaluate('document.body.innerText');
  for (const shown of [
    '<script>window.owned=1</script>',
    '<!--<script>',
    '<img src=x onerror=window.owned=1>',
    '{{constructor',
  ]) {
    t.ok(text.includes(shown), `${shown} is shown`);
  }
  const elements =
    'document.querySelectorAll("main script, main iframe, main img, main svg:not(.spark), main a, main style").length';
  t.equal(await browser.evaluate(elements), 0);
  t.equal(await browser.evaluate('document.scripts.length'), 3);
});

t.test('the policy stops a script that was not in the page', {skip}, async (t) => {
  const browser = await open(
    t,
    htmlOf(recording()).replace(
      '</body>',
      '<script>window.owned = 1</script><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></body>',
    ),
  );
  t.equal(await browser.evaluate('window.owned'), undefined);
  t.match(browser.said.join(), /Content Security Policy/);
});

t.test('a report of nothing is a page', {skip}, async (t) => {
  const browser = await open(t, htmlOf([]));
  t.match(await browser.evaluate('document.body.innerText'), /Nothing was seen/);
  t.strictSame(browser.said, []);
});
