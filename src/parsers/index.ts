export {readCapture} from './captures.js';
export type {Anchor} from './clock.js';
export {flushEveryMs} from './delay.js';
export {cutMark, maxLineLength, toLines} from './lines.js';
export {createParser, type Ending, type Parser, type ParserOptions, type ParserStatus, type Signal} from './parser.js';
export {sniff} from './sniff.js';
