import type { Labels } from '@tidemark/model';

// The fingerprint of a label set as Prometheus and Alertmanager compute it, so that theirs and ours name the same alert:
// FNV-1a, 64 bits, over the labels sorted by name, each `name 0xFF value 0xFF`; written as 16 hex digits.
//
// Not keyed and not for identity of stored series; two labels sets of one rule colliding is a matter of 2^-64.

// The 64 bits are kept in two halves: BigInt costs some 100 ns a byte. The prime is 2^40 + 0x1b3.
const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
const PRIME_LOW = 0x1b3;
const SEPARATOR = 0xff;
const HALF = 0x1_0000_0000;

/** Requires labels sorted, as `labelsOf` returns them. */
export function fingerprintOf(labels: Labels): string {
  let high = OFFSET_HIGH;
  let low = OFFSET_LOW;
  const add = (byte: number) => {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * PRIME_LOW;
    // `>>> 0` takes the sum, below 2^53, modulo 2^32.
    high = (high * PRIME_LOW + Math.floor(product / HALF) + mixed * 0x100) >>> 0;
    low = product >>> 0;
  };
  for (const { name, value } of labels) {
    addText(name, add);
    add(SEPARATOR);
    addText(value, add);
    add(SEPARATOR);
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function addText(text: string, add: (byte: number) => void): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) {
      for (const byte of Buffer.from(text.slice(i), 'utf8')) add(byte);
      return;
    }
    add(code);
  }
}
