import { isUtf8 } from 'node:buffer';
import { ByteWriter, bytesEqual, compareBytes } from '@tidemark/base';
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
import { expectWire, fieldOf, type ProtoCursor, readLength, readTag, skipField, WIRE_BYTES } from './protobuf.ts';

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
  readonly #ranges: number[] = [];
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
  }

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#ranges.length = 0;
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
    if (this.#ranges.length < this.#limits.labelsMax * 4 * EMPTY_FACTOR) {
      this.#ranges.push(nameStart, nameEnd, valueStart, valueEnd);
    } else {
      this.#overMax++;
    }
  }

  /** Checks what was read and writes it clean. Returns the problem, or undefined: then `clean()` and the fields are set. */
  settle(): LabelProblem | undefined {
    const limits = this.#limits;
    const bytes = this.#bytes;
    const ranges = this.#ranges;
    let count = 0; // labels that stay, moved to the front
    for (let i = 0; i < ranges.length; i += 4) {
      const problem = this.#check(i, limits);
      if (problem) return problem;
      if (ranges[i + 2] === ranges[i + 3]) continue; // an empty value is no label
      for (let k = 0; k < 4; k++) ranges[count * 4 + k] = ranges[i + k] as number;
      count++;
    }
    ranges.length = count * 4;
    if (count > limits.labelsMax || this.#overMax > 0) {
      return tooManyLabels(count + this.#overMax, limits, this.#describe());
    }
    this.#sort(count);
    for (let i = 4; i < ranges.length; i += 4) {
      const start = ranges[i] as number;
      const end = ranges[i + 1] as number;
      if (bytesEqual(bytes, ranges[i - 4] as number, ranges[i - 3] as number, bytes, start, end)) {
        return duplicateLabel(shown(bytes, start, end));
      }
    }
    this.#write(count);
    if (this.canonicalLength > limits.labelBytesMax)
      return labelsTooLong(this.canonicalLength, limits, this.#describe());
    return this.metricEnd === this.metricStart ? metricNameMissing(this.#describe()) : undefined;
  }

  /** The clean wire bytes; a view, valid until the next series. */
  clean(): Uint8Array {
    return this.#clean.view();
  }

  #check(i: number, limits: LabelLimits): LabelProblem | undefined {
    const bytes = this.#bytes;
    const ranges = this.#ranges;
    const nameStart = ranges[i] as number;
    const nameEnd = ranges[i + 1] as number;
    const valueStart = ranges[i + 2] as number;
    const valueEnd = ranges[i + 3] as number;
    if (nameEnd === nameStart) return nameEmpty(shown(bytes, valueStart, valueEnd));
    const name = () => shown(bytes, nameStart, nameEnd);
    if (nameEnd - nameStart > limits.labelNameBytesMax) return nameTooLong(nameEnd - nameStart, limits, name());
    if (valueEnd - valueStart > limits.labelValueBytesMax) {
      return valueTooLong(valueEnd - valueStart, limits, name(), shown(bytes, valueStart, valueEnd));
    }
    if (!isUtf8(bytes.subarray(nameStart, nameEnd))) return nameNotUtf8(name());
    if (!isUtf8(bytes.subarray(valueStart, valueEnd))) return valueNotUtf8(name(), shown(bytes, valueStart, valueEnd));
    return undefined;
  }

  /** By the bytes of the names. Insertion sort: what comes is sorted but for strays, and at most labelsMax long. */
  #sort(count: number): void {
    const bytes = this.#bytes;
    const ranges = this.#ranges;
    for (let i = 1; i < count; i++) {
      for (let j = i; j > 0; j--) {
        const left = (j - 1) * 4;
        const right = j * 4;
        const order = compareBytes(
          bytes,
          ranges[left] as number,
          ranges[left + 1] as number,
          bytes,
          ranges[right] as number,
          ranges[right + 1] as number,
        );
        if (order <= 0) break;
        for (let k = 0; k < 4; k++) {
          const held = ranges[left + k] as number;
          ranges[left + k] = ranges[right + k] as number;
          ranges[right + k] = held;
        }
      }
    }
  }

  #write(count: number): void {
    const bytes = this.#bytes;
    const ranges = this.#ranges;
    const out = this.#clean;
    out.reset();
    this.metricStart = 0;
    this.metricEnd = 0;
    this.canonicalLength = 0;
    for (let i = 0; i < count * 4; i += 4) {
      const nameStart = ranges[i] as number;
      const nameEnd = ranges[i + 1] as number;
      const valueStart = ranges[i + 2] as number;
      const valueEnd = ranges[i + 3] as number;
      const canonical =
        varintLength(nameEnd - nameStart) +
        nameEnd -
        nameStart +
        varintLength(valueEnd - valueStart) +
        valueEnd -
        valueStart;
      this.canonicalLength += canonical;
      out.u8(LABEL_TAG);
      out.uvarint(canonical + 2); // and the two tags
      out.u8(NAME_TAG);
      out.lengthPrefixed(bytes.subarray(nameStart, nameEnd));
      out.u8(VALUE_TAG);
      out.lengthPrefixed(bytes.subarray(valueStart, valueEnd));
      if (bytesEqual(bytes, nameStart, nameEnd, NAME_BYTES, 0, NAME_BYTES.length)) {
        this.metricEnd = out.length;
        this.metricStart = out.length - (valueEnd - valueStart);
      }
    }
  }

  #describe(): string {
    const parts: string[] = [];
    for (let i = 0; i < this.#ranges.length && parts.length < 8; i += 4) {
      const [a, b, c, d] = this.#ranges.slice(i, i + 4) as [number, number, number, number];
      parts.push(`${shown(this.#bytes, a, b).slice(1, -1)}=${shown(this.#bytes, c, d)}`);
    }
    return `{${parts.join(', ')}${this.#ranges.length > 32 ? ', ...' : ''}}`;
  }
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
