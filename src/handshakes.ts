import {Handshakes} from './connections/handshakes.js';
import type {HandshakeFollower, TracedLibrary} from './model.js';

/**
 * Explains handshakes with the words of the OpenSSL at hand: of several, that of the process, or the newest where it is not
 * known which one that is.
 */
export function followHandshakes(targets: readonly TracedLibrary[]): HandshakeFollower {
  const known = targets.filter(({library, version}) => library === 'openssl' && version !== undefined);
  const versions = known.map(({version}) => version as string).sort();
  return new Handshakes({
    versionOf: (pid) => known.find(({pids}) => pids?.includes(pid))?.version ?? versions.at(-1),
  });
}
