import type {DataEvent, SessionEvent, SocketEvent, SummaryEvent, TraceEvent} from '../events.js';
import {maskCommand} from './command-line.js';
import {type ReadSpan, redactData, withheld} from './data.js';
import {createTags, type Mask} from './mask.js';
import {redactMessage} from './message.js';
import {createSecretNames} from './names.js';
import {maskText} from './text.js';

/** Takes secrets out of events. It fails closed: payload that nothing was made of is kept back. */
export interface Redactor {
  /**
   * An event as it may be shown. `spans` say what the payload was read as, of a data event in its stream, of a socket event in the
   * call; without them it is withheld.
   */
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
    harmless: new Set(),
  };
  const payload = <Event extends DataEvent | SocketEvent>(
    event: Event,
    offset: number,
    spans: readonly ReadSpan[] | undefined,
  ): Event => {
    if (!spans) return withheld(event);
    const {event: redacted, uninspected} = redactData(event, offset, spans, mask);
    uninspectedBytes += uninspected;
    return redacted;
  };
  return {
    redact(event, spans) {
      switch (event.type) {
        case 'data':
          return payload(event, event.offset, spans);
        case 'message':
          return redactMessage(event, mask);
        case 'session':
          return redactSession(event, mask);
        case 'process':
          return event.argv ? {...event, argv: maskCommand(event.argv, mask)} : event;
        case 'socket':
          return event.captured ? payload(event, 0, spans) : event;
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

/** Sentences quote what was said in plain: SMTP before STARTTLS, an answer in HTTP. */
function maskSentences<Event extends TraceEvent>(event: Event, mask: Mask): Event {
  const masked: Record<string, unknown> = {...event};
  if ('message' in event && typeof event.message === 'string') masked.message = maskText(event.message, mask);
  if ('explanation' in event && event.explanation !== undefined) masked.explanation = maskText(event.explanation, mask);
  if ('plainAnswer' in event && event.plainAnswer?.line !== undefined)
    masked.plainAnswer = {...event.plainAnswer, line: maskText(event.plainAnswer.line, mask)};
  return masked as Event;
}
