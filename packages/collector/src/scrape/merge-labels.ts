import { type ByteWriter, compareBytes } from '@tidemark/base';

// The usual case of a series' final labels, in bytes: nothing of the page clashes with the target's labels, so both, sorted
// already, are woven into one. A page seen for the first time costs a sixth of what it costs as text.

/** Where the length read last ended. */
let behind = 0;

function lengthAt(bytes: Uint8Array, at: number): number {
  let length = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = bytes[at++] as number;
    length |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  behind = at;
  return length;
}

/**
 * Writes the canonical bytes of both; false, with `out` half written, when a name is in both or a value is empty.
 * Requires: `[0, exposedEnd)` sorted labels, perhaps with empty values; `target` canonical.
 */
export function mergeLabels(exposed: Uint8Array, exposedEnd: number, target: Uint8Array, out: ByteWriter): boolean {
  let a = 0;
  let b = 0;
  while (a < exposedEnd || b < target.length) {
    let order = a < exposedEnd ? -1 : 1;
    let aEnd = a;
    let bEnd = b;
    let aName = 0;
    let aNameEnd = 0;
    if (a < exposedEnd) {
      const nameLength = lengthAt(exposed, a);
      aName = behind;
      aNameEnd = aName + nameLength;
      const valueLength = lengthAt(exposed, aNameEnd);
      if (valueLength === 0) return false;
      aEnd = behind + valueLength;
    }
    if (b < target.length) {
      const nameLength = lengthAt(target, b);
      const bName = behind;
      const bNameEnd = bName + nameLength;
      const valueLength = lengthAt(target, bNameEnd);
      bEnd = behind + valueLength;
      if (a < exposedEnd) order = compareBytes(exposed, aName, aNameEnd, target, bName, bNameEnd);
    }
    if (order === 0) return false;
    if (order < 0) {
      out.raw(exposed.subarray(a, aEnd));
      a = aEnd;
    } else {
      out.raw(target.subarray(b, bEnd));
      b = bEnd;
    }
  }
  return true;
}
