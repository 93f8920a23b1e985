import type {Deed, Library, LibraryFunction} from '../../../src/model.js';

const made = (name: string, deed: Deed): LibraryFunction => ({name, deed, session: 0, source: 'a test'});

export const openssl: Library = {
  name: 'openssl',
  title: 'OpenSSL',
  fileName: /^libssl[.-]/,
  versionString: /OpenSSL (\d+\.\d+\.\d+[a-z]*)/,
  functions: [
    made('SSL_read', 'receive'),
    made('SSL_write', 'send'),
    made('SSL_write_ex', 'send'),
    made('SSL_free', 'forget'),
    made('SSL_never_was', 'send'),
  ],
  variants: [{name: 'BoringSSL', versionString: /(BoringSSL)/}],
};

export const gnutls: Library = {
  name: 'gnutls',
  title: 'GnuTLS',
  fileName: /^libgnutls[.-]/,
  versionString: /GnuTLS (\d+\.\d+\.\d+)/,
  functions: [made('gnutls_record_recv', 'receive'), made('gnutls_record_send', 'send')],
};
