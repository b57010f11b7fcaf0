import { ByteWriter, compareBytes } from '@tidemark/base';
import { METRIC_NAME } from '../labels.ts';

// The labels of one record, from ranges of its bytes to canonical bytes (labels.ts). The metric's name is among them, under
// the name `__name__`. One object, used again for every record.
//
//   ranges   nameStart | nameEnd | valueStart | valueEnd      per label; nameStart NAME: the metric's name

const NAME_BYTES = new TextEncoder().encode(METRIC_NAME);
/** The name's range where the name itself is not in the record. */
const NAME = 0xffff_ffff;

export interface LabelComplaint {
  /** Stable, also the value of the counter's label: `label_duplicate`, `label_name_empty`. */
  readonly reason: string;
  readonly example: string;
}

export class RecordLabels {
  #bytes: Uint8Array = new Uint8Array(0);
  #ranges = new Uint32Array(4 * 72);
  #count = 0;
  readonly #canonical = new ByteWriter(512);

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#count = 0;
    this.#canonical.reset();
  }

  /** The metric's name: `__name__`. */
  addMetric(start: number, end: number): void {
    this.#add(NAME, NAME, start, end);
  }

  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    this.#add(nameStart, nameEnd, valueStart, valueEnd);
  }

  /** Sorts and writes what was added. Returns what is wrong with it, or undefined: then `canonical()` is set. */
  settle(): LabelComplaint | undefined {
    const ranges = this.#ranges;
    let count = 0;
    for (let i = 0; i < this.#count * 4; i += 4) {
      if (ranges[i] === ranges[i + 1] && ranges[i] !== NAME) {
        return { reason: 'label_name_empty', example: `a label with the value ${this.#text(i + 2)} has an empty name` };
      }
      if (ranges[i + 2] === ranges[i + 3]) continue; // an empty value is no label
      if (count * 4 !== i) ranges.copyWithin(count * 4, i, i + 4);
      count++;
    }
    this.#count = count;
    const twice = this.#sort();
    if (twice >= 0) {
      const name = ranges[twice] === NAME ? JSON.stringify(METRIC_NAME) : this.#text(twice);
      return { reason: 'label_duplicate', example: `the label ${name} stands twice in one sample` };
    }
    this.#write();
    return undefined;
  }

  /** A view, valid until the next record. */
  canonical(): Uint8Array {
    return this.#canonical.view();
  }

  #add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const i = this.#count++ * 4;
    if (i === this.#ranges.length) {
      const more = new Uint32Array(this.#ranges.length * 2);
      more.set(this.#ranges);
      this.#ranges = more;
    }
    const ranges = this.#ranges;
    ranges[i] = nameStart;
    ranges[i + 1] = nameEnd;
    ranges[i + 2] = valueStart;
    ranges[i + 3] = valueEnd;
  }

  /** By the bytes of the names; returns where a name stands that stands twice, else -1. Insertion: there are few. */
  #sort(): number {
    const ranges = this.#ranges;
    for (let i = 4; i < this.#count * 4; i += 4) {
      for (let j = i; j > 0; j -= 4) {
        const order = this.#compareNames(j - 4, j);
        if (order === 0) return j;
        if (order < 0) break;
        for (let k = j; k < j + 4; k++) {
          const held = ranges[k - 4] as number;
          ranges[k - 4] = ranges[k] as number;
          ranges[k] = held;
        }
      }
    }
    return -1;
  }

  #compareNames(a: number, b: number): number {
    const ranges = this.#ranges;
    const aStart = ranges[a] as number;
    const bStart = ranges[b] as number;
    const bytes = this.#bytes;
    // The metric's name comes first and is alone in its kind, so most pairs are two ranges of the record.
    if (aStart === NAME) return compareBytes(NAME_BYTES, 0, NAME_BYTES.length, bytes, bStart, ranges[b + 1] as number);
    if (bStart === NAME) return compareBytes(bytes, aStart, ranges[a + 1] as number, NAME_BYTES, 0, NAME_BYTES.length);
    const order = (bytes[aStart] as number) - (bytes[bStart] as number);
    if (order !== 0) return order;
    return compareBytes(bytes, aStart, ranges[a + 1] as number, bytes, bStart, ranges[b + 1] as number);
  }

  #write(): void {
    const out = this.#canonical;
    for (let i = 0; i < this.#count * 4; i += 4) {
      const start = this.#ranges[i] as number;
      if (start === NAME) copy(out, NAME_BYTES, 0, NAME_BYTES.length);
      else copy(out, this.#bytes, start, this.#ranges[i + 1] as number);
      copy(out, this.#bytes, this.#ranges[i + 2] as number, this.#ranges[i + 3] as number);
    }
  }

  #text(i: number): string {
    const start = this.#ranges[i] as number;
    const end = Math.min(this.#ranges[i + 1] as number, start + 80);
    return JSON.stringify(Buffer.from(this.#bytes.subarray(start, end)).toString('utf8'));
  }
}

/** Length and bytes; a loop, because most are short. */
function copy(out: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  out.uvarint(end - start);
  out.reserve(end - start);
  let to = out.length;
  for (let at = start; at < end; at++) out.bytes[to++] = bytes[at] as number;
  out.length = to;
}
