import type {DataEvent, SessionEvent, SocketEvent, SummaryEvent, TraceEvent} from '../events.js';
import {maskCommand} from './command-line.js';
import {asterisksInBase64, type ReadSpan, redactData, withheld} from './data.js';
import {createTags, type Mask} from './mask.js';
import {redactMessage} from './message.js';
import {createSecretNames} from './names.js';
import {maskText} from './text.js';

/** Takes secrets out of events. It fails closed: payload that nothing was made of is kept back. */
export interface Redactor {
  /** An event as it may be shown. Of a data event `spans` say what it was read as; without them its payload is withheld. */
  redact(event: TraceEvent, spans?: readonly ReadSpan[]): TraceEvent;
}

/** Makes a redactor, with a key for its tags that no other has. @param names header fields and parameters to mask beside the known. */
export function createRedactor(names: readonly string[] = []): Redactor {
  let masked = 0;
  let uninspectedBytes = 0;
  const mask: Mask = {
    isSecret: createSecretNames(names),
    replace: createTags(() => {
      masked++;
    }),
  };
  const data = (event: DataEvent, spans: readonly ReadSpan[] | undefined): DataEvent => {
    if (!spans) return withheld(event);
    const {event: redacted, uninspected} = redactData(event, spans, mask);
    uninspectedBytes += uninspected;
    return redacted;
  };
  return {
    redact(event, spans) {
      switch (event.type) {
        case 'data':
          return data(event, spans);
        case 'message':
          return redactMessage(event, mask);
        case 'session':
          return redactSession(event, mask);
        case 'process':
          return event.argv ? {...event, argv: maskCommand(event.argv, mask)} : event;
        case 'socket':
          return redactSocket(event);
        case 'summary':
          return {...event, redaction: addTotals(event, masked, uninspectedBytes)};
        case 'connection':
        case 'loss':
          return event;
        default:
          return maskSentences(event, mask);
      }
    },
  };
}

function redactSession(event: SessionEvent, mask: Mask): SessionEvent {
  return {...event, redaction: 'on', ...(event.command && {command: maskCommand(event.command, mask)})};
}

/** A capture that was redacted before keeps what was counted then. */
function addTotals({redaction}: SummaryEvent, masked: number, uninspectedBytes: number) {
  return {
    masked: masked + (redaction?.masked ?? 0),
    uninspectedBytes: uninspectedBytes + (redaction?.uninspectedBytes ?? 0),
  };
}

/** What went over a socket is shown where it is a TLS record (RFC 8446, 5.1): nobody can read it. Else it was not inspected. */
function redactSocket(event: SocketEvent): SocketEvent {
  if (event.payload === undefined || event.payload === '') return event;
  const [type = 0, major = 0, minor = 0xff] = Buffer.from(event.payload.slice(0, 4), 'base64');
  const isTls = type >= 20 && type <= 23 && major === 3 && minor <= 4;
  return isTls ? event : {...event, payload: asterisksInBase64(Buffer.byteLength(event.payload, 'base64'))};
}

/** Sentences quote what was said in plain: SMTP before STARTTLS, an answer in HTTP. */
function maskSentences<Event extends TraceEvent>(event: Event, mask: Mask): Event {
  const masked: Record<string, unknown> = {...event};
  if ('message' in event && typeof event.message === 'string') masked.message = maskText(event.message, mask);
  if ('explanation' in event && event.explanation !== undefined) masked.explanation = maskText(event.explanation, mask);
  if ('plainAnswer' in event && event.plainAnswer?.line !== undefined)
    masked.plainAnswer = {...event.plainAnswer, line: maskText(event.plainAnswer.line, mask)};
  return masked as Event;
}
