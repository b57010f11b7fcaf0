import { createHash } from 'node:crypto';
import { SIP_HASH_BYTES, SIP_KEY_BYTES, SipHash128 } from '@tidemark/base';

// The durable id of a series: a keyed hash of 128 bits over tenant and canonical labels, with a key per installation so that nobody
// can forge a collision. Full labels stand beside it wherever it is kept.
//
//   key := first 16 bytes of SHA-256("tidemark series id" | key of the installation)
//   id  := SipHash-2-4-128(key, tenantLength u8 | tenant | labelBytes)
//
// Once an id was the first 16 bytes of an HMAC-SHA-256 with the key of the installation, which took a hundred times
// as long. Windows and segments of then have such ids still: nothing compares one id with another.

export const SERIES_ID_LENGTH = SIP_HASH_BYTES;

/** By key of an installation: its hash, and what stands before the labels of a tenant. */
const known = new WeakMap<Uint8Array, { readonly hash: SipHash128; readonly heads: Map<string, Uint8Array> }>();
// Tenants whose heads are kept: a small piece each.
const HEADS_MAX = 10_000;

/** Requires: `key` does not change. */
export function seriesId(key: Uint8Array, tenant: string, labelBytes: Uint8Array): Uint8Array {
  let of = known.get(key);
  if (of === undefined) {
    const secret = createHash('sha256').update('tidemark series id').update(key).digest().subarray(0, SIP_KEY_BYTES);
    of = { hash: new SipHash128(secret), heads: new Map() };
    known.set(key, of);
  }
  let head = of.heads.get(tenant);
  if (head === undefined) {
    const name = Buffer.from(tenant, 'utf8');
    head = Uint8Array.of(name.length, ...name);
    if (of.heads.size < HEADS_MAX) of.heads.set(tenant, head);
  }
  return of.hash.hash(head, labelBytes);
}
