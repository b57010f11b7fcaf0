import type { Labels } from '@tidemark/model';

// The fingerprint of a label set as Prometheus and Alertmanager compute it, so that theirs and ours name the same alert:
// FNV-1a, 64 bits, over the labels sorted by name, each `name 0xFF value 0xFF`; written as 16 hex digits.
//
// Not keyed and not for identity of stored series; two labels sets of one rule colliding is a matter of 2^-64.

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const SEPARATOR = 0xff;

/** Requires labels sorted, as `labelsOf` returns them. */
export function fingerprintOf(labels: Labels): string {
  let hash = OFFSET;
  const add = (byte: number) => {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  };
  for (const { name, value } of labels) {
    for (const byte of Buffer.from(name, 'utf8')) add(byte);
    add(SEPARATOR);
    for (const byte of Buffer.from(value, 'utf8')) add(byte);
    add(SEPARATOR);
  }
  return hash.toString(16).padStart(16, '0');
}
