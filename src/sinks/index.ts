export {createCaptureFile} from './capture-file.js';
export {createNdjsonSink} from './ndjson.js';
export {createOutput, type Output} from './output.js';
export {wantsColour} from './paint.js';
export type {Sink} from './sink.js';
export {type StatusNumbers, startProgressLine, startStatusLine} from './status.js';
export {createTable} from './table.js';
export {createTextSink} from './text.js';
export {visible} from './visible.js';
