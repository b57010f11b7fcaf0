import { isUtf8 } from 'node:buffer';
import {
  ByteWriter,
  bytesEqual,
  compareBytes,
  expectWire,
  fieldOf,
  type ProtoCursor,
  readLength,
  readTag,
  skipField,
  WIRE_BYTES,
} from '@tidemark/base';
import { METRIC_NAME } from '@tidemark/model';
import {
  duplicateLabel,
  type LabelLimits,
  type LabelProblem,
  labelsTooLong,
  metricNameMissing,
  nameEmpty,
  nameNotUtf8,
  nameTooLong,
  shown,
  tooManyLabels,
  valueNotUtf8,
  valueTooLong,
} from '../admission/label-limits.ts';

// The labels of one series as remote write carries them, and as Tidemark keeps them.
//
//   wire       0x0a length | 0x0a length name | 0x12 length value      per label: prompb.Label inside prompb.TimeSeries
//   canonical              |      length name |      length value      sorted by name, unique, no empty values (model/labels)
//
// Wire bytes are *clean* when their labels are canonical and every length is written as short as can be: then stripping
// the framing gives the canonical bytes, one to one. All that Prometheus sends is clean.

const NAME_BYTES = new TextEncoder().encode(METRIC_NAME);
export const LABEL_TAG = 0x0a;
const NAME_TAG = 0x0a;
const VALUE_TAG = 0x12;
/** Labels read per label allowed: the rest of them may be empty. */
const EMPTY_FACTOR = 4;

/** Labels of one series while they are read; one object, used again for every series. */
export class WireLabels {
  /** Ranges in the request: `[nameStart, nameEnd, valueStart, valueEnd]` per label. */
  readonly #ranges: Uint32Array;
  #count = 0;
  readonly #limits: LabelLimits;
  #bytes: Uint8Array = new Uint8Array(0);
  #overMax = 0;
  readonly #clean = new ByteWriter(512);
  /** `[start, end)` of the metric name's value in the clean bytes. */
  metricStart = 0;
  metricEnd = 0;
  canonicalLength = 0;

  constructor(limits: LabelLimits) {
    this.#limits = limits;
    this.#ranges = new Uint32Array(limits.labelsMax * EMPTY_FACTOR * 4);
  }

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#count = 0;
    this.#overMax = 0;
  }

  /** Reads one Label message; the cursor stands behind its tag. As protobuf has it, the last of a repeated field counts. */
  read(cursor: ProtoCursor, seriesEnd: number): void {
    const end = readLength(cursor, seriesEnd);
    let nameStart = 0;
    let nameEnd = 0;
    let valueStart = 0;
    let valueEnd = 0;
    while (cursor.at < end) {
      const at = cursor.at;
      const tag = readTag(cursor, end);
      const field = fieldOf(tag);
      if (field === 1) {
        expectWire(tag, WIRE_BYTES, 'a label name', at);
        nameEnd = readLength(cursor, end);
        nameStart = cursor.at;
        cursor.at = nameEnd;
      } else if (field === 2) {
        expectWire(tag, WIRE_BYTES, 'a label value', at);
        valueEnd = readLength(cursor, end);
        valueStart = cursor.at;
        cursor.at = valueEnd;
      } else {
        skipField(cursor, end, tag);
      }
    }
    // Empty values are dropped later, so more than labelsMax may come; but not without bound.
    const i = this.#count * 4;
    const ranges = this.#ranges;
    if (i === ranges.length) {
      this.#overMax++;
      return;
    }
    ranges[i] = nameStart;
    ranges[i + 1] = nameEnd;
    ranges[i + 2] = valueStart;
    ranges[i + 3] = valueEnd;
    this.#count++;
  }

  /** Checks what was read and writes it clean. Returns the problem, or undefined: then `clean()` and the fields are set. */
  settle(): LabelProblem | undefined {
    const limits = this.#limits;
    const ranges = this.#ranges;
    let count = 0; // labels that stay, moved to the front
    for (let i = 0; i < this.#count * 4; i += 4) {
      const nameLength = (ranges[i + 1] as number) - (ranges[i] as number);
      const valueLength = (ranges[i + 3] as number) - (ranges[i + 2] as number);
      if (nameLength === 0) return nameEmpty(this.#value(i));
      if (nameLength > limits.labelNameBytesMax) return nameTooLong(nameLength, limits, this.#name(i));
      if (valueLength > limits.labelValueBytesMax) {
        return valueTooLong(valueLength, limits, this.#name(i), this.#value(i));
      }
      if (valueLength === 0) continue; // an empty value is no label
      if (count * 4 !== i) ranges.copyWithin(count * 4, i, i + 4);
      count++;
    }
    this.#count = count;
    if (count > limits.labelsMax || this.#overMax > 0) {
      return tooManyLabels(count + this.#overMax, limits, this.#describe());
    }
    const duplicate = this.#sort();
    if (duplicate >= 0) return duplicateLabel(this.#name(duplicate));
    this.#write();
    if (!isUtf8(this.#clean.view())) {
      const problem = this.#notUtf8();
      if (problem) return problem;
    }
    if (this.canonicalLength > limits.labelBytesMax) {
      return labelsTooLong(this.canonicalLength, limits, this.#describe());
    }
    return this.metricEnd === this.metricStart ? metricNameMissing(this.#describe()) : undefined;
  }

  /** The clean wire bytes; a view, valid until the next series. */
  clean(): Uint8Array {
    return this.#clean.view();
  }

  /**
   * Which label is not UTF-8, when the clean bytes as a whole are not. If they are, so is every name and value: tags stand
   * around them, which are ASCII. If they are not, it may be a length of 128 or more and nothing is wrong.
   */
  #notUtf8(): LabelProblem | undefined {
    for (let i = 0; i < this.#count * 4; i += 4) {
      const [nameStart, nameEnd, valueStart, valueEnd] = this.#ranges.subarray(i, i + 4);
      if (!isUtf8(this.#bytes.subarray(nameStart, nameEnd))) return nameNotUtf8(this.#name(i));
      if (!isUtf8(this.#bytes.subarray(valueStart, valueEnd))) return valueNotUtf8(this.#name(i), this.#value(i));
    }
    return undefined;
  }

  /**
   * By the bytes of the names. Insertion sort: what comes is sorted but for strays, and at most labelsMax long. Returns where
   * a name stands that stands twice, else -1.
   */
  #sort(): number {
    const bytes = this.#bytes;
    const ranges = this.#ranges;
    for (let i = 4; i < this.#count * 4; i += 4) {
      for (let j = i; j > 0; j -= 4) {
        const order = compareBytes(
          bytes,
          ranges[j - 4] as number,
          ranges[j - 3] as number,
          bytes,
          ranges[j] as number,
          ranges[j + 1] as number,
        );
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

  #write(): void {
    const bytes = this.#bytes;
    const ranges = this.#ranges;
    const out = this.#clean;
    out.reset();
    this.metricStart = 0;
    this.metricEnd = 0;
    this.canonicalLength = 0;
    for (let i = 0; i < this.#count * 4; i += 4) {
      const nameStart = ranges[i] as number;
      const nameEnd = ranges[i + 1] as number;
      const valueStart = ranges[i + 2] as number;
      const valueEnd = ranges[i + 3] as number;
      const nameLength = nameEnd - nameStart;
      const valueLength = valueEnd - valueStart;
      const canonical = varintLength(nameLength) + nameLength + varintLength(valueLength) + valueLength;
      this.canonicalLength += canonical;
      out.reserve(canonical + 12); // two tags, the label's tag and its length
      out.u8(LABEL_TAG);
      out.uvarint(canonical + 2);
      out.u8(NAME_TAG);
      out.uvarint(nameLength);
      copyInto(out, bytes, nameStart, nameEnd);
      out.u8(VALUE_TAG);
      out.uvarint(valueLength);
      copyInto(out, bytes, valueStart, valueEnd);
      if (nameLength === NAME_BYTES.length && bytesEqual(bytes, nameStart, nameEnd, NAME_BYTES, 0, nameLength)) {
        this.metricEnd = out.length;
        this.metricStart = out.length - valueLength;
      }
    }
  }

  #name(i: number): string {
    return shown(this.#bytes, this.#ranges[i], this.#ranges[i + 1]);
  }

  #value(i: number): string {
    return shown(this.#bytes, this.#ranges[i + 2], this.#ranges[i + 3]);
  }

  /** The series as far as it is fit to be shown. */
  #describe(): string {
    const count = Math.min(this.#count, SHOWN_LABELS_MAX);
    const labels = Array.from({ length: count }, (_, i) => `${this.#name(i * 4).slice(1, -1)}=${this.#value(i * 4)}`);
    return `{${labels.join(', ')}${this.#count > count ? ', ...' : ''}}`;
  }
}

const SHOWN_LABELS_MAX = 8;

/** Copies short ranges; the writer has room. */
function copyInto(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  const { bytes } = out;
  let to = out.length;
  for (let at = start; at < end; at++) bytes[to++] = source[at] as number;
  out.length = to;
}

function varintLength(value: number): number {
  let length = 1;
  for (; value >= 0x80; value >>>= 7) length++;
  return length;
}

/** Room that `stripFraming` needs behind its source and its target: it moves eight bytes at a time. */
export const STRIP_SLACK = 8;

/**
 * Strips the framing: writes the canonical bytes of the clean wire bytes `[start, end)` at `out[to]` and returns where they
 * end. Requires clean bytes, room for them, and STRIP_SLACK bytes behind both, which it may read and overwrite.
 */
export function stripFraming(wire: DataView, start: number, end: number, out: DataView, to: number): number {
  let at = start;
  while (at < end) {
    at++; // the label's tag
    while (wire.getUint8(at++) >= 0x80); // and length
    for (let part = 0; part < 2; part++) {
      at++; // the name's or value's tag
      let length = wire.getUint8(at++);
      out.setUint8(to++, length);
      if (length >= 0x80) {
        let shift = 7;
        length &= 0x7f;
        let byte: number;
        do {
          byte = wire.getUint8(at++);
          out.setUint8(to++, byte);
          length |= (byte & 0x7f) << shift;
          shift += 7;
        } while (byte >= 0x80);
      }
      const shift = at - to;
      const partEnd = to + length;
      for (; to < partEnd; to += 8) out.setBigInt64(to, wire.getBigInt64(to + shift, true), true);
      to = partEnd;
      at = to + shift;
    }
  }
  return to;
}
