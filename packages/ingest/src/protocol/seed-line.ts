import { isUtf8 } from 'node:buffer';
import { ByteWriter, isTidemarkError, TidemarkError } from '@tidemark/base';
import { BatchBuilder, labelsOf, METRIC_NAME, parseDecimal, writeLabels } from '@tidemark/model';
import { shown } from '../admission/label-limits.ts';

// A line a sample, for people and shell scripts.
//
//   CPU.load host=webserver01,region=us-west 1613707265 50
//   metric   labels                          time       value
//
//   line    := metric [labels] time value         one or more blanks between; LF or CRLF; empty lines and # comments pass
//   metric  := any UTF-8 but blanks               CPU.load is as good as cpu_load
//   labels  := "-" | name "=" text ("," name "=" text)*
//   text    := quoted | any UTF-8 but blanks, commas and double quotes; no escapes
//   quoted  := '"' ... '"' with \" \\ \n; any other backslash is refused
//   time    := unix time: seconds below 10^11 (a fraction is welcome), whole milliseconds above
//   value   := decimal, NaN, Inf, -Inf
//
// 10^11 seconds is the year 5138, 10^11 milliseconds is March 1973: no sample of today can be taken for the other kind.

const SECONDS_BELOW = 1e11;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const HASH = 0x23;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const DASH = 0x2d;

const DECODER = new TextDecoder('utf-8', { fatal: true });

export interface ParseLinesOptions {
  readonly tenant: string;
  /** Gets every bad line, which is then left out. Without it the first one is thrown. */
  readonly onProblem?: (problem: TidemarkError) => void;
  /** More samples than this are refused with `INGEST_BATCH_TOO_LARGE`. Default: no limit. */
  readonly samplesMax?: number;
}

/** Reads lines into a batch. Throws `LINE_MALFORMED` (details: line) unless `onProblem` is given. */
export function parseLines(bytes: Uint8Array, options: ParseLinesOptions): BatchBuilder {
  const batch = new BatchBuilder(options.tenant);
  const labels = new ByteWriter(512);
  let line = 0;
  for (let at = 0; at < bytes.length; ) {
    line++;
    let end = bytes.indexOf(NEWLINE, at);
    if (end < 0) end = bytes.length;
    const next = end + 1;
    if (end > at && bytes[end - 1] === RETURN) end--;
    try {
      readLine(bytes, at, end, line, batch, labels);
    } catch (error) {
      if (!options.onProblem || !isTidemarkError(error, 'LINE_MALFORMED')) throw error;
      options.onProblem(error);
    }
    at = next;
    if (batch.sampleCount > (options.samplesMax ?? Number.POSITIVE_INFINITY)) {
      throw new TidemarkError(
        'INGEST_BATCH_TOO_LARGE',
        `more than ${options.samplesMax} samples, the limit samplesPerRequestMax: send smaller batches`,
        { limit: options.samplesMax },
      );
    }
  }
  return batch;
}

function readLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  line: number,
  batch: BatchBuilder,
  labels: ByteWriter,
): void {
  const cursor = new LineCursor(bytes, start, end, line);
  cursor.blanks();
  if (cursor.at === end || bytes[cursor.at] === HASH) return;
  const pairs = [{ name: METRIC_NAME, value: cursor.word('metric name') }];
  if (!cursor.atTime()) cursor.labels(pairs);
  const timestampMs = cursor.time();
  const value = cursor.number('value');
  cursor.blanks();
  if (cursor.at < end) throw cursor.wrong(`${shown(bytes, cursor.at, end)} is not expected after the value`);
  labels.reset();
  try {
    writeLabels(labels, labelsOf(pairs));
  } catch (error) {
    throw cursor.wrong((error as Error).message);
  }
  batch.add(batch.seriesOf(labels.bytes, 0, labels.length), timestampMs, value);
}

class LineCursor {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #line: number;

  constructor(bytes: Uint8Array, start: number, end: number, line: number) {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
    this.#line = line;
  }

  wrong(what: string): TidemarkError {
    return new TidemarkError('LINE_MALFORMED', `line ${this.#line}: ${what}`, { line: this.#line });
  }

  blanks(): void {
    while (this.at < this.#end && isBlank(this.#bytes[this.at])) this.at++;
  }

  /** Everything up to the next blank, as text. */
  word(what: string): string {
    const start = this.at;
    this.at = this.#wordEnd();
    if (this.at === start)
      throw this.wrong(`the ${what} is missing; a line is: metric label=value,label=value time value`);
    return this.#text(start, this.at, what);
  }

  /** Whether two words are left, so that the labels were left out. */
  atTime(): boolean {
    this.blanks();
    const start = this.at;
    let words = 0;
    while (this.at < this.#end && words < 3) {
      words++;
      this.at = this.#wordEnd();
      this.blanks();
    }
    this.at = start;
    const isNumber = parseDecimal(this.#bytes, start, this.#wordEnd()) !== undefined;
    return words === 2 && isNumber;
  }

  labels(into: { name: string; value: string }[]): void {
    this.blanks();
    if (this.at === this.#end) return; // what is missing first is the time
    if (this.#bytes[this.at] === DASH && this.#wordEnd() === this.at + 1) {
      this.at++;
      return;
    }
    for (;;) {
      const nameStart = this.at;
      while (this.at < this.#end && !isDelimiter(this.#bytes[this.at])) this.at++;
      const wordEnd = this.#wordEnd();
      if (this.at === nameStart)
        throw this.wrong(`a label name is missing before ${shown(this.#bytes, nameStart, wordEnd)}`);
      if (this.#bytes[this.at] !== EQUALS || this.at >= this.#end) {
        throw this.wrong(
          `label ${shown(this.#bytes, nameStart, wordEnd)} has no "="; labels are written name=value,name=value`,
        );
      }
      const name = this.#text(nameStart, this.at, 'label name');
      this.at++;
      into.push({ name, value: this.#labelText() });
      if (this.at === this.#end || isBlank(this.#bytes[this.at])) return;
      if (this.#bytes[this.at] !== COMMA) {
        throw this.wrong(
          `${shown(this.#bytes, this.at, this.#wordEnd())} is not expected after the value of label ${JSON.stringify(name)}`,
        );
      }
      this.at++;
    }
  }

  time(): number {
    const start = this.#next();
    const number = this.number('time');
    const isSeconds = Math.abs(number) < SECONDS_BELOW;
    const ms = isSeconds ? Math.round(number * 1000) : number;
    if (Number.isSafeInteger(ms)) return ms;
    throw this.wrong(
      `the time ${shown(this.#bytes, start, this.at)} is neither unix seconds nor whole unix milliseconds`,
    );
  }

  number(what: string): number {
    const start = this.#next();
    this.at = this.#wordEnd();
    if (this.at === start)
      throw this.wrong(`the ${what} is missing; a line is: metric label=value,label=value time value`);
    const number = parseDecimal(this.#bytes, start, this.at);
    if (number === undefined) throw this.wrong(`the ${what} ${shown(this.#bytes, start, this.at)} is no number`);
    return number;
  }

  #next(): number {
    this.blanks();
    return this.at;
  }

  #labelText(): string {
    const bytes = this.#bytes;
    if (bytes[this.at] === QUOTE && this.at < this.#end) return this.#quoted();
    const start = this.at;
    while (this.at < this.#end && !isBlank(bytes[this.at]) && bytes[this.at] !== COMMA) {
      if (bytes[this.at] === QUOTE)
        throw this.wrong('a double quote inside a label value: the whole value must be quoted');
      this.at++;
    }
    return this.#text(start, this.at, 'label value');
  }

  #quoted(): string {
    const bytes = this.#bytes;
    const start = this.at;
    const plain: number[] = [];
    for (let i = start + 1; i < this.#end; i++) {
      let byte = bytes[i] as number;
      if (byte === QUOTE) {
        this.at = i + 1;
        const text = Uint8Array.from(plain);
        if (!isUtf8(text)) throw this.wrong(`the label value ${shown(text)} is not valid UTF-8`);
        return DECODER.decode(text);
      }
      if (byte === BACKSLASH) {
        i++;
        const escaped = bytes[i];
        if (escaped !== QUOTE && escaped !== BACKSLASH && escaped !== 0x6e) {
          throw this.wrong(`${shown(bytes, i - 1, Math.min(i + 1, this.#end))} is no escape; known are \\" \\\\ \\n`);
        }
        byte = escaped === 0x6e ? NEWLINE : escaped;
      }
      plain.push(byte);
    }
    throw this.wrong(`the label value ${shown(bytes, start, this.#end)} has no closing quote`);
  }

  #text(start: number, end: number, what: string): string {
    if (!isUtf8(this.#bytes.subarray(start, end))) {
      throw this.wrong(`the ${what} ${shown(this.#bytes, start, end)} is not valid UTF-8`);
    }
    return DECODER.decode(this.#bytes.subarray(start, end));
  }

  #wordEnd(): number {
    let at = this.at;
    while (at < this.#end && !isBlank(this.#bytes[at])) at++;
    return at;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isDelimiter(byte: number | undefined): boolean {
  return isBlank(byte) || byte === EQUALS || byte === COMMA || byte === QUOTE;
}
