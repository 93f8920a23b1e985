import type {Library, LibraryFunction} from '../model.js';

const session = 0;
const buffer = 1;
const moved = {in: 'result'} as const;
const source = 'GnuTLS manual, section "Data transfer and termination"; gnutls/gnutls.h';

const functions: readonly LibraryFunction[] = [
  {name: 'gnutls_record_recv', deed: 'receive', session, buffer, moved, source},
  {name: 'gnutls_record_recv_seq', deed: 'receive', session, buffer, moved, source},
  // The payload is behind a gnutls_packet_t that only gnutls_packet_get opens: counted, not shown.
  {name: 'gnutls_record_recv_packet', deed: 'receive', session, moved, source},
  {name: 'gnutls_record_recv_early_data', deed: 'receive', session, buffer, moved, source},
  // After an interrupted send the call is repeated with a null buffer: counted, not shown.
  {name: 'gnutls_record_send', deed: 'send', session, buffer, moved, source},
  // gnutls_record_send is one jump to gnutls_record_send2, seen in 3.7.9 by disassembly.
  {name: 'gnutls_record_send2', deed: 'send', session, buffer, moved, jumpedToBy: ['gnutls_record_send'], source},
  {name: 'gnutls_record_send_range', deed: 'send', session, buffer, moved, source},
  {name: 'gnutls_record_send_early_data', deed: 'send', session, buffer, moved, source},
  // gnutls_record_send_file is left out on purpose: it calls gnutls_record_send for each piece, which has the bytes.
  // While corked, gnutls_record_send counts what it queues. Uncorking sends it by gnutls_record_send: not again.
  {name: 'gnutls_record_uncork', deed: 'guard', session, source},
  // Sends and awaits alerts, no data; what it calls must not count as the program's own.
  {name: 'gnutls_bye', deed: 'guard', session, source},
  {name: 'gnutls_deinit', deed: 'forget', session, source},
];

/** GnuTLS 3.x. */
export const gnutls: Library = {
  name: 'gnutls',
  title: 'GnuTLS',
  fileName: /^libgnutls[.-]/,
  versionString: /GnuTLS (\d+\.\d+\.\d+)/,
  functions,
};
