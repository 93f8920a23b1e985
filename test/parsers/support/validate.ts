import {readFileSync} from 'node:fs';
import {Ajv} from 'ajv';

const schema = JSON.parse(readFileSync(new URL('../../../schema/events-1.json', import.meta.url), 'utf8'));

/** The schema's own word on what an event is. */
export const validate = new Ajv({discriminator: true, strict: false}).compile(schema);
