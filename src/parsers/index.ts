export {readCapture} from './captures.js';
export type {Anchor} from './clock.js';
export {cutMark, maxLineLength, toLines} from './lines.js';
export {createParser, type Ending, type Parser, type ParserOptions, type ParserStatus, type Signal} from './parser.js';
export {sniff} from './sniff.js';
