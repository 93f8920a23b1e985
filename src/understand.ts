import {createOtherEnds} from './connections/other-ends.js';
import type {MessageFilter} from './filters/index.js';
import type {DataEvent, MessageEvent, SessionEvent, SocketEvent, TraceEvent} from './model.js';
import {createDecoder, createSocketReader, type DecodeLimits} from './protocols/index.js';
import {createRedactor} from './redaction/index.js';

export interface UnderstandOptions {
  /** Names of fields to mask beside the known ones; `off` masks nothing. */
  readonly redact: readonly string[] | 'off';
  /** Which messages to pass on. Their data are left out then, since what belongs to which is known only later. */
  readonly filter?: MessageFilter | undefined;
  /** How much of messages to keep. */
  readonly limits?: Partial<DecodeLimits>;
}

/**
 * What happens to events between those that read them and those that show them, in trace and in replay: messages are made of data,
 * filters choose among them, secrets are masked. Gives, for each event, what is to be shown in its place.
 *
 * A capture that holds messages is not decoded again, unless it holds secrets that are to be masked now: which bytes of it are
 * secrets only the decoder can tell.
 */
export function createUnderstanding({
  redact,
  filter,
  limits,
}: UnderstandOptions): (event: TraceEvent) => readonly TraceEvent[] {
  const redactor = redact === 'off' ? undefined : createRedactor(redact);
  const decoder = createDecoder(limits);
  const sockets = createSocketReader();
  const withOtherEnd = createOtherEnds();
  let isDecoding = true;
  let isRedacted = false;

  const masked = (event: TraceEvent): TraceEvent => (redactor ? redactor.redact(event) : event);
  const wanted = (messages: readonly MessageEvent[]): TraceEvent[] =>
    (filter ? messages.filter(filter.wantsMessage) : messages).map(masked);

  const begin = (session: SessionEvent): TraceEvent[] => {
    isRedacted = session.redaction === 'on';
    isDecoding = !isRedacted && !(session.messages && !redactor);
    const event = masked({...session, messages: true});
    return isRedacted && !redactor ? [event, redactedBefore] : [event];
  };
  const call = (event: DataEvent): TraceEvent[] => {
    if (!isDecoding) return !filter || isWantedCall(event, filter) ? [event] : [];
    const messages = decoder.push(event);
    const {protocol, spans} = decoder.reading;
    const known = protocol ? {...event, protocol} : event;
    if (filter && !isWantedCall(known, filter)) return wanted(messages);
    return [redactor ? redactor.redact(known, spans) : known, ...wanted(messages)];
  };

  const socket = (event: SocketEvent): TraceEvent =>
    redactor && !isRedacted ? redactor.redact(event, sockets.read(event)) : event;

  return (given) => {
    const event = given.type === 'message' ? given : withOtherEnd(given);
    switch (event.type) {
      case 'session':
        return begin(event);
      case 'data':
        return call(event);
      case 'socket':
        return [socket(event)];
      case 'connection':
        return event.event === 'close' && isDecoding ? [...wanted(decoder.push(event)), event] : [event];
      case 'message':
        return isDecoding ? [] : wanted([event]);
      case 'summary':
        return isDecoding ? [...wanted(decoder.end()), masked(event)] : [masked(event)];
      default:
        return [masked(event)];
    }
  };
}

function isWantedCall(event: DataEvent, filter: MessageFilter): boolean {
  return event.protocol === undefined && filter.wantsCall(event);
}

const redactedBefore: TraceEvent = {
  type: 'warning',
  code: 'redacted-before',
  message: 'This was redacted when it was recorded: what is masked is not in it, and --no-redact cannot bring it back.',
};
