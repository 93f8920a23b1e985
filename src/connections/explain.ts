import {causes} from './failure/causes.js';
import type {FailureFacts} from './failure/facts.js';

export type {Ending, FailureFacts} from './failure/facts.js';

export interface Explanation {
  /** A stable code, for programs. */
  readonly cause: string;
  /** One plain sentence, without a full stop. */
  readonly explanation: string;
}

/** Says why a handshake (or the first read after it) failed. The first row of the table that fits speaks. */
export function explain(facts: FailureFacts): Explanation {
  for (const {cause, sentence} of causes) {
    const explanation = sentence(facts);
    if (explanation !== undefined) return {cause: typeof cause === 'string' ? cause : cause(facts), explanation};
  }
  return {cause: 'unknown', explanation: 'the handshake failed, and nothing that was seen says why'};
}
