import type {Library} from '../model.js';
import {gnutls} from './gnutls.js';
import {openssl} from './openssl.js';

/** Every TLS library that can be traced. To add one: write its data file, and name it here. */
export const libraries: readonly Library[] = [openssl, gnutls];
