/** Whether a value is an event of schema/events-1.json. Made by bin/build.mjs into dist/. */
export default function validate(value: unknown): boolean;
