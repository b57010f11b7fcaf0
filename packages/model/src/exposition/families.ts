import { isUtf8 } from 'node:buffer';
import { bytesEqual } from '@tidemark/base';
import type { MetricMetadata } from '../batch/sample-batch.ts';
import type { MetricType } from '../batch/series-section.ts';
import { decodeUtf8 } from '../labels.ts';
import { excerpt } from './complaint.ts';
import { closingQuote, isBlank, isNameByte, QUOTE } from './series-text.ts';

// Metric families: what the `#` lines say, and which series belong to it.
//
//   # TYPE http_request_duration_seconds histogram        family
//   http_request_duration_seconds_bucket{le="0.1"} 3      family + suffix its type allows: belongs to it
//
// A family's lines stand together, so the one `# TYPE` read last is the only one to compare with.

const ENCODER = new TextEncoder();

const SUFFIXES: Readonly<Record<MetricType, readonly Uint8Array[]>> = {
  unknown: [],
  gauge: [],
  stateset: [],
  counter: suffixes('_total', '_created'),
  summary: suffixes('_sum', '_count', '_created'),
  histogram: suffixes('_bucket', '_sum', '_count', '_created'),
  gaugehistogram: suffixes('_bucket', '_gsum', '_gcount'),
  info: suffixes('_info'),
};

const TYPES: ReadonlyMap<string, MetricType> = new Map([
  ['untyped', 'unknown'],
  ...(Object.keys(SUFFIXES) as MetricType[]).map((type) => [type, type] as const),
]);

function suffixes(...texts: string[]): readonly Uint8Array[] {
  return texts.map((text) => ENCODER.encode(text));
}

interface Known {
  type: MetricType;
  unit: string;
  help: string;
}

export class Families {
  readonly #known: Map<string, Known> | undefined;
  #family: Uint8Array = new Uint8Array(0);
  #type: MetricType = 'unknown';

  constructor(keepMetadata: boolean) {
    this.#known = keepMetadata ? new Map() : undefined;
  }

  /** What was learned of each family so far. Empty unless it was to be kept. */
  metadata(): readonly MetricMetadata[] {
    return [...(this.#known ?? [])].map(([metric, known]) => ({ metric, ...known }));
  }

  /** Reads what stands behind `#`, in `[at, end)`. Returns what is wrong with it, if anything. */
  comment(bytes: Uint8Array, at: number, end: number): string | undefined {
    const keywordEnd = endOfWord(bytes, at, end);
    const length = keywordEnd - at;
    if (length !== 4) return undefined;
    const keyword = latin1(bytes, at, keywordEnd);
    if (keyword !== 'TYPE' && keyword !== 'HELP' && keyword !== 'UNIT') return undefined;
    const name = readName(bytes, skipBlanks(bytes, keywordEnd, end), end);
    if (!name) return `# ${keyword} is not followed by a metric name: ${excerpt(bytes, keywordEnd, end)}`;
    const rest = skipBlanks(bytes, name.next, end);
    if (keyword === 'TYPE') return this.#learnType(bytes, name, rest, end);
    if (this.#known) {
      if (!isUtf8(bytes.subarray(rest, end))) return `# ${keyword} is not valid UTF-8`;
      const text = decodeUtf8(bytes, rest, end);
      if (keyword === 'HELP') this.#about(name).help = text.replace(/\\([\\n])/g, (_, c) => (c === 'n' ? '\n' : '\\'));
      else this.#about(name).unit = text.trimEnd();
    }
    return undefined;
  }

  /** The type of the series whose text is `[start, end)`. */
  typeOf(bytes: Uint8Array, start: number, end: number): MetricType {
    const family = this.#family;
    if (this.#type === 'unknown') return 'unknown';
    let nameStart = start;
    let nameEnd = start;
    if (bytes[start] === 0x7b) {
      nameStart = skipBlanks(bytes, start + 1, end) + 1;
      nameEnd = Math.max(nameStart, closingQuote(bytes, nameStart - 1, end));
    } else {
      while (nameEnd < end && isNameByte(bytes[nameEnd])) nameEnd++;
    }
    const rest = nameStart + family.length;
    if (rest > nameEnd || !bytesEqual(bytes, nameStart, rest, family, 0, family.length)) return 'unknown';
    if (rest === nameEnd) return this.#type;
    for (const suffix of SUFFIXES[this.#type]) {
      if (bytesEqual(bytes, rest, nameEnd, suffix, 0, suffix.length)) return this.#type;
    }
    return 'unknown';
  }

  #learnType(bytes: Uint8Array, name: Name, at: number, end: number): string | undefined {
    const text = latin1(bytes, at, endOfWord(bytes, at, end));
    const type = TYPES.get(text);
    if (!type)
      return `${JSON.stringify(text.slice(0, 60))} is no metric type; types are ${[...TYPES.keys()].join(', ')}`;
    this.#family = bytes.subarray(name.start, name.end);
    this.#type = type;
    if (this.#known) this.#about(name).type = type;
    return undefined;
  }

  #about(name: Name): Known {
    const known = this.#known as Map<string, Known>;
    let about = known.get(name.text());
    if (!about) {
      about = { type: 'unknown', unit: '', help: '' };
      known.set(name.text(), about);
    }
    return about;
  }
}

interface Name {
  readonly start: number;
  readonly end: number;
  /** Behind the name, and its closing quote if it has one. */
  readonly next: number;
  text(): string;
}

function readName(bytes: Uint8Array, at: number, end: number): Name | undefined {
  let start = at;
  let nameEnd = at;
  let next = at;
  if (bytes[at] === QUOTE && at < end) {
    start = at + 1;
    nameEnd = closingQuote(bytes, at, end);
    next = nameEnd + 1;
  } else {
    while (nameEnd < end && isNameByte(bytes[nameEnd])) nameEnd++;
    next = nameEnd;
  }
  if (nameEnd <= start || (next < end && !isBlank(bytes[next])) || !isUtf8(bytes.subarray(start, nameEnd)))
    return undefined;
  return { start, end: nameEnd, next, text: () => decodeUtf8(bytes, start, nameEnd) };
}

function skipBlanks(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isBlank(bytes[at])) at++;
  return at;
}

function endOfWord(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && !isBlank(bytes[at])) at++;
  return at;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
