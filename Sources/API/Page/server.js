// SPDX-License-Identifier: MIT
// Requests to the server that gave this page, what went wrong with them in words, and the key.

import { t } from './words.js';

const keyName = 'swiftnet-key';
let key = sessionStorage.getItem(keyName) ?? '';
let askForKey = () => {};

/** What a person is told: the page's own sentence, and the server's words behind it. */
export class Problem extends Error {
  constructor(status, detail = '', wait = 0) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.wait = wait;
  }

  get sentence() {
    switch (this.status) {
      case 0: return t('errorGone');
      case 401: return t('errorKey');
      case 403: return t('errorForbidden');
      case 404: return t('errorNotFound');
      case 413: return t('errorLarge');
      case 415: return t('errorNoImage');
      case 422: return t('errorUnusable');
      case 429: case 503: return t('errorBusy');
      case 504: return t('errorSlow');
      default: return t('errorOther', this.status);
    }
  }
}

export const hasKey = () => key !== '';

export function setKey(value) {
  key = value;
  if (value) sessionStorage.setItem(keyName, value); else sessionStorage.removeItem(keyName);
}

/** Says what is to happen when the server wants a key. */
export function onKeyWanted(react) { askForKey = react; }

/**
 * Asks the server.
 * @returns {Promise<Response>} An answer with a status of success.
 * @throws {Problem}
 */
export async function ask(path, { method = 'GET', body, type } = {}) {
  const headers = {};
  if (type) headers['Content-Type'] = type;
  if (key) headers['Authorization'] = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, { method, body, headers, cache: 'no-store', credentials: 'omit' });
  } catch {
    throw new Problem(0);
  }
  if (response.ok) return response;
  let detail = '';
  try { detail = (await response.json()).error ?? ''; } catch { /* no JSON: the status says enough */ }
  if (response.status === 401) askForKey(key !== '');
  throw new Problem(response.status, detail, Number(response.headers.get('Retry-After')) || 0);
}

/** A file's media type; the server looks into the file itself, so an unknown one is no hindrance. */
export const typeOf = (file) => (file.type.startsWith('image/') ? file.type : 'application/octet-stream');

/** The curl command that does what the page does. Header fields and data come as pairs of flag and value. */
export function curl(path, { pairs = [], output } = {}) {
  const parts = ['curl'];
  for (const [flag, value] of pairs) parts.push(`${flag} ${quoted(value)}`);
  if (key) parts.push('-H "Authorization: Bearer $SWIFTNET_API_KEY"');
  if (output) parts.push(`-o ${quoted(output)}`);
  parts.push(quoted(location.origin + path));
  return parts.join(' \\\n  ');
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
