import type {ErrorEvent, HandshakeEvent} from '../model.js';
import type {Paint} from './paint.js';
import {duration, plural} from './units.js';
import {visible} from './visible.js';

const indent = '    ';

/** A handshake for people: how it went in one sentence, then what was agreed on, then the stack of what failed. */
export function handshakeLines(event: HandshakeEvent, time: string, paint: Paint): string[] {
  const {result, explanation, connection, durationNs, calls} = event;
  const spent = [
    ...(connection === undefined ? [] : [`#${visible(connection.id)}`]),
    ...(durationNs === undefined ? [] : [duration(durationNs)]),
    ...(calls === undefined || calls === 0 ? [] : [plural(calls, 'call')]),
  ].join(' ');
  const sentence = `handshake ${result}${explanation === undefined ? '' : `: ${visible(explanation)}`}`;
  const shown = result === 'ok' || result === 'unknown' ? sentence : paint.red(sentence);
  return [
    `${paint.dim(time)} ${paint.bold(whoOf(event))} ${shown} ${paint.dim(spent)}`.trimEnd(),
    ...termsOf(event).map((line) => `${indent}${line}`),
    ...stackOf(event),
  ];
}

/** A failed call for people: why in one sentence, then the stack. */
export function errorLines(event: ErrorEvent, time: string, paint: Paint): string[] {
  const {connection, explanation} = event;
  const why = explanation === undefined ? '' : `: ${visible(explanation)}`;
  const sentence = paint.red(`${visible(event.function)} failed${why}`);
  const id = connection === undefined ? '' : ` ${paint.dim(`#${visible(connection.id)}`)}`;
  return [`${paint.dim(time)} ${paint.bold(whoOf(event))} ${sentence}${id}`, ...stackOf(event)];
}

function whoOf({comm, pid, connection}: HandshakeEvent | ErrorEvent): string {
  const who = `${visible(comm ?? '?')}[${pid}]`;
  return connection?.remote === undefined ? who : `${who} with ${visible(connection.remote)}`;
}

function termsOf(event: HandshakeEvent): string[] {
  const {role, serverName, version, cipher, alpn, resumed, opening, ja4, offered, certificates} = event;
  const agreed = [version, cipher, alpn === undefined ? undefined : `ALPN ${alpn}`, resumed ? 'resumed' : undefined];
  const client = [
    ...(serverName === undefined ? [] : [`server name ${serverName}`]),
    ...(opening === undefined ? [] : [`after ${opening}`]),
    ...(version === undefined && offered?.versions ? [`offered ${offered.versions.join(', ')}`] : []),
    ...(ja4 === undefined ? [] : [`JA4 ${ja4}`]),
  ];
  const own = certificates?.[0];
  const lines = [
    [role, ...agreed, ...client].filter((each) => each !== undefined).join(', '),
    own?.subject === undefined
      ? ''
      : `certificate ${own.subject}${own.issuer ? ` from ${own.issuer}` : ''}${own.notAfter ? ` until ${own.notAfter}` : ''}`,
  ];
  return lines.filter((line) => line !== '').map(visible);
}

function stackOf({verify, alerts = [], errors = []}: HandshakeEvent | ErrorEvent): string[] {
  return [
    ...(verify ? [`verify ${verify.code}: ${verify.text}`] : []),
    ...alerts.map(
      ({name, level, direction}) =>
        `alert ${direction === 'send' ? 'sent' : 'received'}: ${name}${level ? ` (${level})` : ''}`,
    ),
    ...errors.map(({library, text, code, file, line, function: name}) => {
      const place = [file, line].filter((each) => each !== undefined).join(':');
      const where = [place, name].filter((each) => each).join(' ');
      return `${code} ${library}: ${text}${where ? `, at ${where}` : ''}`;
    }),
  ].map((line) => `${indent}${visible(line)}`);
}
