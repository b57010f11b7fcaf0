import { ByteWriter, isTidemarkError, TidemarkError } from '@tidemark/base';
import { BatchBuilder } from '../batch/batch-builder.ts';
import type { MetricMetadata } from '../batch/sample-batch.ts';
import { excerpt, malformedLine } from './complaint.ts';
import { parseDecimal } from './decimal.ts';
import { ExemplarText } from './exemplar-text.ts';
import { Families } from './families.ts';
import { closingQuote, isBlank, isNameByte, isNameStart, QUOTE, SeriesText } from './series-text.ts';

// Prometheus' text format 0.0.4 (and 1.0.0's quoted names), read line by line in place.
//
//   # HELP http_requests_total The total number of requests.
//   # TYPE http_requests_total counter
//   http_requests_total{method="post",code="200"} 1027 1395066363000
//   |<------------- series text ---------------->| value timestamp (ms)
//
// A scrape repeats its series texts, so the reader hands out their ranges, and whoever keeps what they meant last time need
// not have them read again. Lenient where nothing can be misunderstood: CRLF, blanks, OpenMetrics' `# UNIT`, `# EOF` and
// exemplars (read with `openMetrics` only: exemplar-text.ts). With it timestamps are seconds, and `# EOF` must end the page; openmetrics-check.ts holds
// a page against the rest of that specification.

export interface ExpositionOptions {
  /** Timestamps are seconds with a fraction, `# EOF` must end the page. Default false. */
  readonly openMetrics?: boolean;
  /** Whether `metadata()` is wanted. Default false. */
  readonly keepMetadata?: boolean;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const HASH = 0x23;
const OPEN = 0x7b;
const CLOSE = 0x7d;

export class ExpositionReader {
  /** The line of the current sample, from 1. */
  line = 0;
  /** The series text of the current sample. */
  seriesStart = 0;
  seriesEnd = 0;
  value = 0;
  /** NaN when the line has none. */
  timestampMs = Number.NaN;
  /** Where the exemplar of the current sample stands, its "#" included; start -1: it has none. */
  exemplarStart = -1;
  exemplarEnd = -1;
  readonly bytes: Uint8Array;
  readonly families: Families;
  readonly #openMetrics: boolean;
  readonly #seriesText = new SeriesText();
  #at = 0;
  #ended = false;
  #complained = false;

  constructor(bytes: Uint8Array, options: ExpositionOptions = {}) {
    this.bytes = bytes;
    this.#openMetrics = options.openMetrics ?? false;
    this.families = new Families(options.keepMetadata ?? false);
  }

  /**
   * Moves to the next sample; false at the end. Throws `EXPOSITION_MALFORMED` (details: line); the next call goes on with
   * the line after the bad one.
   */
  next(): boolean {
    const { bytes } = this;
    while (this.#at < bytes.length && !this.#ended) {
      this.line++;
      let at = this.#at;
      let end = bytes.indexOf(NEWLINE, at);
      if (end < 0) end = bytes.length;
      this.#at = end + 1; // whatever is wrong with this line, the next one is the next one
      if (end > at && bytes[end - 1] === RETURN) end--;
      while (at < end && isBlank(bytes[at])) at++;
      if (at === end) continue;
      if (bytes[at] === HASH) {
        this.#comment(at + 1, end);
        continue;
      }
      this.#sample(at, end);
      return true;
    }
    if (this.#openMetrics) this.#mustBeWhole();
    return false;
  }

  /** OpenMetrics says where a page ends, so that a cut one is known. Complains once. */
  #mustBeWhole(): void {
    if (this.#complained || (this.#ended && this.#at >= this.bytes.length)) return;
    this.#complained = true;
    throw this.#wrong(
      this.#ended
        ? 'something stands behind "# EOF", which ends the page'
        : 'the page does not end with "# EOF": was it cut?',
    );
  }

  /** Writes the canonical labels of the current sample. Throws `EXPOSITION_MALFORMED`. */
  writeLabels(out: ByteWriter): void {
    this.#seriesText.write(this.bytes, this.seriesStart, this.seriesEnd, this.line, out);
  }

  /** As `writeLabels`, with the labels whose value is empty: sorted, but not canonical. */
  writeExposedLabels(out: ByteWriter): void {
    this.#seriesText.write(this.bytes, this.seriesStart, this.seriesEnd, this.line, out, true);
  }

  #sample(start: number, end: number): void {
    const { bytes } = this;
    let at = start;
    while (at < end && isNameByte(bytes[at])) at++;
    const nameEnd = at;
    if (at > start && !isNameStart(bytes[start])) {
      throw this.#wrong(`a metric name does not begin with a digit: ${excerpt(bytes, start, end)}`);
    }
    while (at < end && isBlank(bytes[at])) at++;
    if (bytes[at] === OPEN && at < end) at = this.#closingBrace(at, end);
    else if (nameEnd === start || at === nameEnd) throw this.#badName(start, nameEnd, end);
    else at = nameEnd;
    this.seriesStart = start;
    this.seriesEnd = at;
    this.#numbers(at, end);
  }

  /** Behind the brace that closes the one at `at`. */
  #closingBrace(at: number, end: number): number {
    const { bytes } = this;
    for (let i = at + 1; i < end; i++) {
      const byte = bytes[i];
      if (byte === CLOSE) return i + 1;
      if (byte === QUOTE) {
        i = closingQuote(bytes, i, end);
        if (i < 0) break;
      }
    }
    throw this.#wrong(`the labels ${excerpt(bytes, at, end)} are not closed: a quote or "}" is missing`);
  }

  #numbers(from: number, end: number): void {
    const { bytes } = this;
    let at = from;
    while (at < end && isBlank(bytes[at])) at++;
    let tokenEnd = endOfToken(bytes, at, end);
    if (tokenEnd === at || bytes[at] === HASH) throw this.#wrong('the sample has no value');
    const value = parseDecimal(bytes, at, tokenEnd);
    if (value === undefined) throw this.#wrong(`the value ${excerpt(bytes, at, tokenEnd)} is no number`);
    this.value = value;
    this.timestampMs = Number.NaN;
    this.exemplarStart = -1;
    at = tokenEnd;
    while (at < end && isBlank(bytes[at])) at++;
    if (at === end) return;
    if (bytes[at] === HASH) {
      this.#exemplar(at, end);
      return;
    }
    tokenEnd = endOfToken(bytes, at, end);
    this.timestampMs = this.#timestamp(at, tokenEnd);
    at = tokenEnd;
    while (at < end && isBlank(bytes[at])) at++;
    if (at === end) return;
    if (bytes[at] !== HASH) throw this.#wrong(`${excerpt(bytes, at, end)} is not expected after the timestamp`);
    this.#exemplar(at, end);
  }

  /** In the older format nothing stands behind a sample that means anything. */
  #exemplar(at: number, end: number): void {
    if (!this.#openMetrics) return;
    this.exemplarStart = at;
    this.exemplarEnd = end;
  }

  #timestamp(start: number, end: number): number {
    const { bytes } = this;
    const number = parseDecimal(bytes, start, end);
    const ms = number === undefined ? Number.NaN : this.#openMetrics ? Math.round(number * 1000) : number;
    if (Number.isSafeInteger(ms)) return ms;
    // Any number of seconds is well-formed; beyond what a time can be, the largest stands for it (and is refused as such).
    if (this.#openMetrics && Number.isFinite(ms)) return Math.sign(ms) * Number.MAX_SAFE_INTEGER;
    const unit = this.#openMetrics ? 'a number of seconds' : 'a whole number of milliseconds';
    throw this.#wrong(`the timestamp ${excerpt(bytes, start, end)} is not ${unit}`);
  }

  #comment(at: number, end: number): void {
    const { bytes } = this;
    while (at < end && isBlank(bytes[at])) at++;
    const problem = this.families.comment(bytes, at, end);
    if (problem) throw this.#wrong(problem);
    if (this.#openMetrics && end - at === 3 && bytes[at] === 0x45 && bytes[at + 1] === 0x4f && bytes[at + 2] === 0x46) {
      this.#ended = true;
    }
  }

  #badName(start: number, nameEnd: number, end: number): TidemarkError {
    const { bytes } = this;
    const wordEnd = endOfToken(bytes, start, end);
    if (nameEnd === wordEnd) return this.#wrong('the sample has no value');
    const word = excerpt(bytes, start, wordEnd);
    return this.#wrong(
      `${word} is no metric name: with other characters than A-Z a-z 0-9 _ : it is written {${word}}, labels inside the same braces`,
    );
  }

  #wrong(what: string): TidemarkError {
    return malformedLine(this.line, what);
  }
}

function endOfToken(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && !isBlank(bytes[at])) at++;
  return at;
}

export interface ParseExpositionOptions extends ExpositionOptions {
  readonly tenant: string;
  /** For samples without a timestamp. */
  readonly nowMs: number;
  /** Gets every bad line, which is then left out. Without it the first one is thrown. */
  readonly onProblem?: (problem: TidemarkError) => void;
  /** More samples than this are refused with `EXPOSITION_TOO_LARGE`. Default: no limit. */
  readonly samplesMax?: number;
}

export interface ParsedExposition {
  readonly batch: BatchBuilder;
  /** Exemplars that could not be read; their samples are in the batch. */
  readonly exemplarsMalformed: number;
  readonly metadata: readonly MetricMetadata[];
}

/** Reads a whole page into a batch. Throws `EXPOSITION_MALFORMED` unless `onProblem` is given, `EXPOSITION_TOO_LARGE`. */
export function parseExposition(bytes: Uint8Array, options: ParseExpositionOptions): ParsedExposition {
  const reader = new ExpositionReader(bytes, options);
  const batch = new BatchBuilder(options.tenant);
  const labels = new ByteWriter(512);
  const exemplar = new ExemplarText();
  let exemplarsMalformed = 0;
  const { onProblem, samplesMax = Number.POSITIVE_INFINITY } = options;
  for (;;) {
    try {
      if (!reader.next()) break;
      labels.reset();
      reader.writeLabels(labels);
    } catch (error) {
      if (!onProblem || !isTidemarkError(error, 'EXPOSITION_MALFORMED')) throw error;
      onProblem(error);
      continue;
    }
    if (batch.sampleCount >= samplesMax) {
      const message = `line ${reader.line}: more than ${samplesMax} samples: send smaller pages`;
      throw new TidemarkError('EXPOSITION_TOO_LARGE', message, { limit: samplesMax, line: reader.line });
    }
    const type = reader.families.typeOf(bytes, reader.seriesStart, reader.seriesEnd);
    const series = batch.seriesOf(labels.bytes, 0, labels.length, type);
    const atMs = Number.isNaN(reader.timestampMs) ? options.nowMs : reader.timestampMs;
    batch.add(series, atMs, reader.value);
    if (reader.exemplarStart < 0) continue;
    if (exemplar.read(reader)) addExemplar(batch, series, atMs, exemplar);
    else exemplarsMalformed++;
  }
  return { batch, exemplarsMalformed, metadata: reader.families.metadata() };
}

function addExemplar(batch: BatchBuilder, series: number, atMs: number, exemplar: ExemplarText): void {
  const hasNoTime = Number.isNaN(exemplar.timestampMs);
  batch.addExemplar(series, hasNoTime ? atMs : exemplar.timestampMs, exemplar.value, exemplar.labels.view(), hasNoTime);
}
