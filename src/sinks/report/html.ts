import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import handlebars from 'handlebars';
import type {Report} from './report.js';

const templates = new URL('../../../templates/report/', import.meta.url);

/**
 * The report as one page that fetches nothing. Its policy (CSP) lets run only the two scripts that stand in it, by their hashes;
 * what comes from outside is data, which the page shows as text.
 */
export function reportHtml(report: Report): string {
  const charts = dirname(createRequire(import.meta.url).resolve('uplot'));
  const styles = [readFileSync(join(charts, 'uPlot.min.css'), 'utf8'), template('page.css')];
  const scripts = [readFileSync(join(charts, 'uPlot.iife.min.js'), 'utf8'), template('page.js')];
  const page = handlebars.compile(template('page.html.hbs'));
  return page({
    title: `tls-kit report${report.session.host === undefined ? '' : ` of ${report.session.host}`}`,
    policy: [
      "default-src 'none'",
      `script-src ${scripts.map(hashOf).join(' ')}`,
      `style-src ${styles.map(hashOf).join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    styles,
    scripts,
    data: embeddable(report),
  });
}

/** JSON that can stand in a script element of HTML: nothing in it ends the element, or opens a comment. */
export function embeddable(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function template(name: string): string {
  return readFileSync(new URL(name, templates), 'utf8');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
