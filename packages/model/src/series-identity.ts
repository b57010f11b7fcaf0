import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

// The durable id of a series: 128 bits of HMAC-SHA-256 over tenant and canonical labels, with a key per installation so
// that nobody can forge a collision. Full labels are still verified when an id is first seen.
//
//   id := first 16 bytes of HMAC-SHA-256(key, tenantLength u8 | tenant | labelBytes)

export const SERIES_ID_LENGTH = 16;

/** Node turns bytes into a key at every call, three times as long as the hash takes: keep what it made. */
const keys = new WeakMap<Uint8Array, KeyObject>();

/** Requires: `key` does not change. */
export function seriesId(key: Uint8Array, tenant: string, labelBytes: Uint8Array): Uint8Array {
  let secret = keys.get(key);
  if (!secret) {
    secret = createSecretKey(key);
    keys.set(key, secret);
  }
  const tenantBytes = Buffer.from(tenant, 'utf8');
  return createHmac('sha256', secret)
    .update(Uint8Array.of(tenantBytes.length))
    .update(tenantBytes)
    .update(labelBytes)
    .digest()
    .subarray(0, SERIES_ID_LENGTH);
}
