import type {CompanionFunction, Library, LibraryFunction, Moved} from '../model.js';

/** SSL_read_ex and its kin: 1 is success, and the count is behind the last pointer. Source: SSL_read(3), SSL_write(3). */
const counted = (argument: number): Moved => ({in: 'argument', argument, success: [1, 1]});

const session = 0;
const buffer = 1;
const manual = 'OpenSSL manual, SSL_read(3) and SSL_write(3)';

const functions: readonly LibraryFunction[] = [
  {name: 'SSL_read', deed: 'receive', session, buffer, moved: {in: 'result'}, source: manual},
  {name: 'SSL_read_ex', deed: 'receive', session, buffer, moved: counted(3), source: manual},
  {
    name: 'SSL_read_early_data',
    deed: 'receive',
    session,
    buffer,
    // SSL_READ_EARLY_DATA_SUCCESS is 1, SSL_READ_EARLY_DATA_FINISH is 2; the latter may come with bytes.
    moved: {in: 'argument', argument: 3, success: [1, 2]},
    source: 'OpenSSL manual, SSL_read_early_data(3); include/openssl/ssl.h',
  },
  {name: 'SSL_write', deed: 'send', session, buffer, moved: {in: 'result'}, source: manual},
  {name: 'SSL_write_ex', deed: 'send', session, buffer, moved: counted(3), source: manual},
  {
    name: 'SSL_write_ex2',
    deed: 'send',
    session,
    buffer,
    moved: counted(4),
    // OpenSSL 3.3 and later: SSL_write_ex is one jump to SSL_write_ex2, seen in 3.5 and 3.6 by disassembly.
    jumpedToBy: ['SSL_write_ex'],
    since: '3.3',
    source: 'OpenSSL 3.3 manual, SSL_write_ex2(3)',
  },
  {
    name: 'SSL_write_early_data',
    deed: 'send',
    session,
    buffer,
    moved: counted(3),
    source: 'OpenSSL manual, SSL_write_early_data(3)',
  },
  // The file goes from the page cache to the socket inside the kernel: there is no buffer to show.
  {
    name: 'SSL_sendfile',
    deed: 'send',
    session,
    moved: {in: 'result'},
    since: '3.0',
    source: 'OpenSSL 3.0 manual, SSL_sendfile(3)',
  },
  {name: 'SSL_peek', deed: 'peek', session, buffer, moved: {in: 'result'}, source: 'OpenSSL manual, SSL_peek(3)'},
  {name: 'SSL_peek_ex', deed: 'peek', session, buffer, moved: counted(3), source: 'OpenSSL manual, SSL_peek(3)'},
  {name: 'SSL_connect', deed: 'handshake', session, source: 'OpenSSL manual, SSL_connect(3)'},
  {name: 'SSL_accept', deed: 'handshake', session, source: 'OpenSSL manual, SSL_accept(3)'},
  {
    name: 'SSL_do_handshake',
    deed: 'handshake',
    session,
    // Seen in 3.0 by tracing.
    jumpedToBy: ['SSL_connect', 'SSL_accept'],
    source: 'OpenSSL manual, SSL_do_handshake(3)',
  },
  // A handshake may then be run by SSL_do_handshake, or by the first call that moves data.
  {name: 'SSL_set_connect_state', deed: 'side', session, source: 'OpenSSL manual, SSL_set_connect_state(3)'},
  {name: 'SSL_set_accept_state', deed: 'side', session, source: 'OpenSSL manual, SSL_set_connect_state(3)'},
  {name: 'SSL_shutdown', deed: 'shutdown', session, source: 'OpenSSL manual, SSL_shutdown(3)'},
  {name: 'SSL_set_fd', deed: 'declare', session, descriptor: 1, source: 'OpenSSL manual, SSL_set_fd(3)'},
  {name: 'SSL_set_rfd', deed: 'declare', session, descriptor: 1, source: 'OpenSSL manual, SSL_set_fd(3)'},
  {name: 'SSL_set_wfd', deed: 'declare', session, descriptor: 1, source: 'OpenSSL manual, SSL_set_fd(3)'},
  // SSL_set_bio calls it too, seen in 1.1.1, 3.0, 3.5 and 3.6 by disassembly.
  {name: 'SSL_set0_rbio', deed: 'adopt', session, bio: 1, source: 'OpenSSL manual, SSL_set_bio(3)'},
  {name: 'SSL_free', deed: 'forget', session, source: 'OpenSSL manual, SSL_free(3)'},
  {name: 'SSL_clear', deed: 'forget', session, source: 'OpenSSL manual, SSL_clear(3)'},
];

/** What libcrypto shows of a failure while a function of libssl runs. */
const companionFunctions: readonly CompanionFunction[] = [
  // ERR_raise(3) is a macro: ERR_new, ERR_set_debug, ERR_set_error; the latter calls ERR_vset_error.
  {name: 'ERR_set_debug', deed: 'place', source: 'OpenSSL 3.0 manual, ERR_put_error(3); include/openssl/err.h'},
  {name: 'ERR_vset_error', deed: 'raise', source: 'OpenSSL 3.0 manual, ERR_put_error(3); include/openssl/err.h'},
  {name: 'ERR_put_error', deed: 'put', source: 'OpenSSL 1.1.1 manual, ERR_put_error(3)'},
  // How libssl takes the certificates of a message apart, and names the first of them for the verification: TLS 1.3 hides them.
  {name: 'd2i_X509', deed: 'certificate', source: 'OpenSSL manual, d2i_X509(3); ssl/statem'},
  {name: 'X509_STORE_CTX_init', deed: 'subject', source: 'OpenSSL manual, X509_STORE_CTX_new(3); ssl/ssl_cert.c'},
  // What a memory BIO moves goes by no system call of the same moment: Node.js, Python's asyncio.
  {name: 'BIO_read', deed: 'arrive', source: 'OpenSSL manual, BIO_read(3)'},
  {name: 'BIO_write', deed: 'leave', source: 'OpenSSL manual, BIO_read(3)'},
  // BIO_set_fd(3) is a macro for it, and BIO_new_socket(3) calls it: BIO_C_SET_FD.
  {name: 'BIO_int_ctrl', deed: 'control', source: 'OpenSSL manual, BIO_ctrl(3); include/openssl/bio.h'},
  // Its setters are not called by the library itself, which asks here at the end of a verification.
  {name: 'X509_STORE_CTX_get_error', deed: 'verdict', source: 'OpenSSL manual, X509_STORE_CTX_get_error(3); measured'},
];

/** OpenSSL 1.1.1 and later, and the libraries that kept its names: BoringSSL (also inside Node.js's relatives), LibreSSL, AWS-LC. */
export const openssl: Library = {
  name: 'openssl',
  title: 'OpenSSL',
  fileName: /^libssl[.-]/,
  versionString: /OpenSSL (\d+\.\d+\.\d+[a-z]*)/,
  functions,
  companion: {fileName: /^libcrypto[.-]/, functions: companionFunctions},
  // Node.js and what is built of it: every TLS session has memory BIOs, and JavaScript runs inside SSL_read. Before each call
  // it marks the error queue (MarkPopErrorOnReturn in src/crypto/crypto_tls.cc).
  carriedBy: {exports: 'napi_module_register', calls: 'ERR_set_mark'},
  variants: [
    {name: 'LibreSSL', versionString: /LibreSSL (\d+\.\d+\.\d+)/},
    {name: 'BoringSSL', versionString: /(BoringSSL)/},
    {name: 'AWS-LC', versionString: /AWS-LC (\d+\.\d+\.\d+)/},
  ],
};
