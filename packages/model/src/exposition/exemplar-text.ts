import { ByteWriter, isTidemarkError } from '@tidemark/base';
import { parseDecimal } from './decimal.ts';
import { closingQuote, isBlank, QUOTE, SeriesText } from './series-text.ts';
import type { ExpositionReader } from './text.ts';

// What stands behind a sample on a page of OpenMetrics, read when there is something: few samples have one.
//
//   http_request_duration_seconds_bucket{le="0.5"} 17 # {trace_id="oHg5SJYRHA0"} 0.43 1520879607.789
//                                                     |<------ labels ------->| value seconds (may be missing)

const CLOSE = 0x7d;
const OPEN = 0x7b;

export class ExemplarText {
  /** Canonical labels of the one read last. */
  readonly labels = new ByteWriter(256);
  value = 0;
  /** NaN when it names none. */
  timestampMs = Number.NaN;
  readonly #text = new SeriesText();

  /** Reads the exemplar of the reader's sample; false when it is malformed. Requires: it has one. */
  read({ bytes, exemplarStart, exemplarEnd, line }: ExpositionReader): boolean {
    const end = exemplarEnd;
    let at = exemplarStart + 1;
    while (at < end && isBlank(bytes[at])) at++;
    if (bytes[at] !== OPEN) return false;
    const close = closingBrace(bytes, at, end);
    if (close < 0) return false;
    this.labels.reset();
    try {
      this.#text.writeLabelSet(bytes, at, close + 1, line, this.labels);
    } catch (error) {
      if (!isTidemarkError(error, 'EXPOSITION_MALFORMED')) throw error;
      return false;
    }
    return this.#numbers(bytes, close + 1, end);
  }

  #numbers(bytes: Uint8Array, from: number, end: number): boolean {
    const words: number[] = [];
    for (let at = from; at < end; ) {
      while (at < end && isBlank(bytes[at])) at++;
      const start = at;
      while (at < end && !isBlank(bytes[at])) at++;
      const number = start === at ? undefined : parseDecimal(bytes, start, at);
      if (start < at && number === undefined) return false;
      if (number !== undefined) words.push(number);
    }
    const [value, seconds] = words;
    if (value === undefined || words.length > 2) return false;
    const ms = seconds === undefined ? Number.NaN : Math.round(seconds * 1000);
    if (seconds !== undefined && !Number.isSafeInteger(ms)) return false;
    this.value = value;
    this.timestampMs = ms;
    return true;
  }
}

/** Of the brace at `at`; -1 when there is none. */
function closingBrace(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    if (bytes[i] === CLOSE) return i;
    if (bytes[i] !== QUOTE) continue;
    i = closingQuote(bytes, i, end);
    if (i < 0) return -1;
  }
  return -1;
}
