import { isUtf8 } from 'node:buffer';
import { ByteWriter, bytesEqual, compareBytes, type TidemarkError } from '@tidemark/base';
import { METRIC_NAME } from '../labels.ts';
import { excerpt, malformedLine } from './complaint.ts';

// The series of a sample line, from text to canonical label bytes (labels.ts).
//
//   series := name [ "{" pairs "}" ] | "{" quotedName ["," pairs] "}"       a metric name that is not plain stands inside
//   pairs  := pair ("," pair)* [","]
//   pair   := (labelName | quoted) "=" quoted
//   quoted := '"' ... '"' with \\ \" \n; any other backslash stands for itself
//
// Plain metric names are [a-zA-Z_:][a-zA-Z0-9_:]*, plain label names the same without the colon.

const NAME_BYTES = new TextEncoder().encode(METRIC_NAME);

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Per byte: 1 may begin a plain name, 2 may go on in it. */
const NAME_CLASS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[a-zA-Z_:]/.test(character) ? 3 : /[0-9]/.test(character) ? 2 : 0;
});

export function isNameStart(byte: number | undefined): boolean {
  return byte !== undefined && ((NAME_CLASS[byte] as number) & 1) !== 0;
}

export function isNameByte(byte: number | undefined): boolean {
  return byte !== undefined && NAME_CLASS[byte] !== 0;
}

/** Where the quoted text that opens at `at` closes (the index of its closing quote), or -1. */
export function closingQuote(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    if (bytes[i] === QUOTE) return i;
    if (bytes[i] === BACKSLASH) i++;
  }
  return -1;
}

/** Reads series; holds the scratch for one. */
export class SeriesText {
  /** Unescaped names and values, end to end. */
  readonly #text = new ByteWriter(1024);
  /** `[nameStart, nameEnd, valueStart, valueEnd]` in `#text`, per label. */
  readonly #ranges: number[] = [];
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #line = 0;

  /**
   * Writes the canonical labels of the series text `[start, end)`. Throws `EXPOSITION_MALFORMED` with the line and what to
   * mend. With `keepEmpty` labels of empty values are written too, which is then not canonical: a scrape that honours the
   * page's labels must know that an empty one was exposed.
   */
  write(bytes: Uint8Array, start: number, end: number, line: number, out: ByteWriter, keepEmpty = false): void {
    this.#begin(bytes, start, end, line);
    const nameStart = start;
    while (this.#at < end && isNameByte(bytes[this.#at])) this.#at++;
    let hasName = this.#at > nameStart;
    if (hasName) this.#push(NAME_BYTES, bytes.subarray(nameStart, this.#at));
    this.#blanks();
    if (this.#at < end && bytes[this.#at] === OPEN) {
      this.#at++;
      hasName = this.#pairs(hasName);
    }
    if (this.#at < end) throw this.#wrong(`${excerpt(bytes, this.#at, end)} is not expected after the series`);
    if (!hasName) throw this.#wrong('the series has no metric name');
    this.#sort();
    this.#emit(out, keepEmpty);
  }

  /** As `write`, of `{...}` alone: labels that are nobody's series. */
  writeLabelSet(bytes: Uint8Array, start: number, end: number, line: number, out: ByteWriter): void {
    this.#begin(bytes, start, end, line);
    this.#at++;
    this.#pairs(true);
    if (this.#at < end) throw this.#wrong(`${excerpt(bytes, this.#at, end)} is not expected after the labels`);
    this.#sort();
    this.#emit(out, false);
  }

  #begin(bytes: Uint8Array, start: number, end: number, line: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#line = line;
    this.#text.reset();
    this.#ranges.length = 0;
  }

  #pairs(hasName: boolean): boolean {
    const bytes = this.#bytes;
    for (let isFirst = true; ; isFirst = false) {
      this.#blanks();
      if (bytes[this.#at] === CLOSE && this.#at < this.#end) {
        this.#at++;
        this.#blanks();
        return hasName || this.#namesItself();
      }
      const isQuoted = bytes[this.#at] === QUOTE;
      const nameStart = this.#text.length;
      if (isQuoted) this.#quoted('the name');
      else this.#plainLabelName();
      const nameEnd = this.#text.length;
      this.#blanks();
      if (bytes[this.#at] === EQUALS) {
        if (nameEnd === nameStart) throw this.#wrong('a label has an empty name');
        this.#at++;
        this.#blanks();
        const valueStart = this.#text.length;
        if (bytes[this.#at] !== QUOTE) {
          throw this.#wrong(
            `the value of label ${excerpt(this.#text.bytes, nameStart, nameEnd)} must stand in double quotes`,
          );
        }
        this.#quoted('the value');
        this.#ranges.push(nameStart, nameEnd, valueStart, this.#text.length);
      } else if (isQuoted && isFirst && !hasName) {
        hasName = true;
        const valueStart = nameStart;
        const at = this.#text.length;
        this.#text.raw(NAME_BYTES);
        this.#ranges.push(at, this.#text.length, valueStart, nameEnd);
        if (nameEnd === nameStart) throw this.#wrong('the metric name is empty');
      } else {
        throw this.#wrong(`"=" is missing after label ${excerpt(this.#text.bytes, nameStart, nameEnd)}`);
      }
      this.#blanks();
      if (bytes[this.#at] === COMMA) this.#at++;
      else if (bytes[this.#at] !== CLOSE) throw this.#wrong('"," or "}" is missing between labels');
    }
  }

  /** `{__name__="x"}`: not the format's own, but what dumps of series write. */
  #namesItself(): boolean {
    for (let i = 0; i < this.#ranges.length; i += 4) if (this.#isMetricName(i)) return true;
    return false;
  }

  #isMetricName(i: number): boolean {
    const { bytes } = this.#text;
    return bytesEqual(
      bytes,
      this.#ranges[i] as number,
      this.#ranges[i + 1] as number,
      NAME_BYTES,
      0,
      NAME_BYTES.length,
    );
  }

  #plainLabelName(): void {
    const start = this.#at;
    const bytes = this.#bytes;
    while (this.#at < this.#end && isNameByte(bytes[this.#at]) && bytes[this.#at] !== 0x3a) this.#at++;
    if (this.#at === start || !isNameStart(bytes[start])) {
      throw this.#wrong(
        `${excerpt(bytes, start, this.#end)} is no label; names with other characters than A-Z a-z 0-9 _ stand in double quotes`,
      );
    }
    this.#text.raw(bytes.subarray(start, this.#at));
  }

  /** Unescapes quoted text to the end of `#text`. */
  #quoted(what: string): void {
    const bytes = this.#bytes;
    const close = closingQuote(bytes, this.#at, this.#end);
    if (close < 0) throw this.#wrong(`${what} ${excerpt(bytes, this.#at, this.#end)} has no closing quote`);
    const text = this.#text;
    text.reserve(close - this.#at);
    const start = text.length;
    let length = start;
    for (let i = this.#at + 1; i < close; i++) {
      let byte = bytes[i] as number;
      if (byte === BACKSLASH) {
        const next = bytes[i + 1];
        if (next === 0x6e) byte = 0x0a;
        else if (next === QUOTE || next === BACKSLASH) byte = next;
        if (byte !== BACKSLASH || next === BACKSLASH) i++;
      }
      text.bytes[length++] = byte;
    }
    text.length = length;
    if (!isUtf8(text.bytes.subarray(start, length))) {
      throw this.#wrong(`${what} ${excerpt(text.bytes, start, length)} is not valid UTF-8`);
    }
    this.#at = close + 1;
  }

  #push(name: Uint8Array, value: Uint8Array): void {
    const start = this.#text.length;
    this.#text.raw(name);
    this.#text.raw(value);
    const middle = start + name.length;
    this.#ranges.push(start, middle, middle, this.#text.length);
  }

  /** By the bytes of the names; insertion, as exporters sort or nearly do. Refuses names that stand twice. */
  #sort(): void {
    const ranges = this.#ranges;
    const { bytes } = this.#text;
    for (let i = 4; i < ranges.length; i += 4) {
      for (let j = i; j > 0; j -= 4) {
        const start = ranges[j] as number;
        const end = ranges[j + 1] as number;
        const order = compareBytes(bytes, ranges[j - 4] as number, ranges[j - 3] as number, bytes, start, end);
        if (order === 0) throw this.#wrong(`the label ${excerpt(bytes, start, end)} stands twice`);
        if (order < 0) break;
        for (let k = 0; k < 4; k++) {
          const held = ranges[j - 4 + k] as number;
          ranges[j - 4 + k] = ranges[j + k] as number;
          ranges[j + k] = held;
        }
      }
    }
  }

  #emit(out: ByteWriter, keepEmpty: boolean): void {
    const { bytes } = this.#text;
    for (let i = 0; i < this.#ranges.length; i += 4) {
      const valueStart = this.#ranges[i + 2] as number;
      const valueEnd = this.#ranges[i + 3] as number;
      if (valueEnd === valueStart && !keepEmpty) continue; // an empty value is no label
      out.lengthPrefixed(bytes.subarray(this.#ranges[i] as number, this.#ranges[i + 1] as number));
      out.lengthPrefixed(bytes.subarray(valueStart, valueEnd));
    }
  }

  #blanks(): void {
    while (this.#at < this.#end && isBlank(this.#bytes[this.#at])) this.#at++;
  }

  #wrong(what: string): TidemarkError {
    return malformedLine(this.#line, what);
  }
}
