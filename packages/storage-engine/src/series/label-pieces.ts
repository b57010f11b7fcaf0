import { isTidemarkError } from '@tidemark/base';
import { decodeLabels } from '@tidemark/model';

// Where the names and values of one canonical label set lie in its bytes. Made once and filled again and again, so that looking at
// labels makes neither strings nor objects.

const LEAST = 32;

export class LabelPieces {
  count = 0;
  nameStarts = new Uint32Array(LEAST);
  nameEnds = new Uint32Array(LEAST);
  valueStarts = new Uint32Array(LEAST);
  valueEnds = new Uint32Array(LEAST);

  /** Fills itself from `bytes[start, end)`; false when they are not what `decodeLabels` takes. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.count = 0;
    let all = 0;
    for (let i = start; i < end; i++) all |= bytes[i] as number;
    // Text that is not ASCII, or a length of several bytes, is looked at slowly once, and is all right then.
    const isPlain = all < 0x80;
    if (!isPlain && !isCanonical(bytes, start, end)) return false;
    for (let at = start; at < end; ) {
      const n = this.count++;
      if (n === this.nameStarts.length) this.#grow();
      let length = bytes[at++] as number;
      if (length >= 0x80) {
        length = longLength(bytes, at - 1);
        at = afterLength(bytes, at - 1);
      }
      this.nameStarts[n] = at;
      at += length;
      this.nameEnds[n] = at;
      if (at >= end) return false;
      length = bytes[at++] as number;
      if (length >= 0x80) {
        length = longLength(bytes, at - 1);
        at = afterLength(bytes, at - 1);
      }
      this.valueStarts[n] = at;
      at += length;
      this.valueEnds[n] = at;
      if (length === 0 || at > end || (isPlain && n > 0 && !this.#rises(bytes, n))) return false;
    }
    return true;
  }

  /** Whether name `n` comes after the one before it. */
  #rises(bytes: Uint8Array, n: number): boolean {
    const before = this.nameStarts[n - 1] as number;
    const at = this.nameStarts[n] as number;
    const beforeLength = (this.nameEnds[n - 1] as number) - before;
    const length = (this.nameEnds[n] as number) - at;
    for (let i = 0; i < Math.min(beforeLength, length); i++) {
      const difference = (bytes[at + i] as number) - (bytes[before + i] as number);
      if (difference !== 0) return difference > 0;
    }
    return length > beforeLength;
  }

  #grow(): void {
    for (const key of ['nameStarts', 'nameEnds', 'valueStarts', 'valueEnds'] as const) {
      const wider = new Uint32Array(this[key].length * 2);
      wider.set(this[key]);
      this[key] = wider;
    }
  }
}

function isCanonical(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    decodeLabels(bytes, start, end);
    return true;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return false;
  }
}

/** Requires a length that was read before. */
function longLength(bytes: Uint8Array, at: number): number {
  let length = 0;
  let scale = 1;
  for (; (bytes[at] as number) >= 0x80; at++, scale *= 128) length += ((bytes[at] as number) & 0x7f) * scale;
  return length + (bytes[at] as number) * scale;
}

function afterLength(bytes: Uint8Array, at: number): number {
  while ((bytes[at] as number) >= 0x80) at++;
  return at + 1;
}
