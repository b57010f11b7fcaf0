import { ByteWriter, isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';
import type { Cardinality } from '../cardinality.ts';
import type { SelectedExemplars } from '../exemplar-source.ts';
import type { Labels } from '../labels.ts';
import type { MetricDescriptions } from '../metadata-source.ts';
import type { ReadPosition, SelectAnswer, SelectedRows, SelectedSeries } from '../series-source.ts';
import { decodeExemplarsPart, encodeExemplarsPart } from './exemplars-part.ts';
import { encodeFrame, type Frame, type FrameKind, malformedAnswer } from './frame.ts';
import { decodeRowsPart, encodeRowsPart, rowsBetween } from './rows-part.ts';
import { cutSamples, cutWhereHeavy, decodeSamplesPart, encodeSamplesPart, sizeOfSamples } from './samples-part.ts';
import { beginPart, endPart, openPart } from './series-part.ts';

// What the frames of an answer say. Columns travel in parts of a few hundred kilobytes, small things as JSON.

/** Who answers, of what. */
export interface ReadHead {
  /** Partitions of the log, owned by anyone. */
  readonly partitions: number;
  /** Those that this answer covers. */
  readonly answered: readonly number[];
  /** How far the store has read, when the answer was begun. */
  readonly positions: readonly StorePosition[];
}

export interface StorePosition extends ReadPosition {
  /** Where the log ended when last asked: the difference is the lag. */
  readonly end: number;
}

/** The last frame. */
export interface ReadEnd {
  readonly warnings: readonly string[];
  /** Frames between head and end. */
  readonly parts: number;
}

export type ReadPart =
  | { readonly kind: 'head'; readonly head: ReadHead }
  | { readonly kind: 'samples'; readonly series: readonly SelectedSeries[] }
  | { readonly kind: 'rows'; readonly series: readonly SelectedRows[] }
  | { readonly kind: 'series'; readonly series: readonly Labels[] }
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'metadata'; readonly metrics: readonly MetricDescriptions[] }
  | { readonly kind: 'cardinality'; readonly cardinality: Cardinality }
  | { readonly kind: 'exemplars'; readonly series: readonly SelectedExemplars[] }
  | { readonly kind: 'error'; readonly error: TidemarkError }
  | { readonly kind: 'end'; readonly end: ReadEnd };

/** 64 Ki samples are 0.5 MB before packing: a millisecond of work, and little to hold at both ends. */
const SAMPLES_PER_PART = 65_536;
const ROWS_PER_PART = 8192;
const SERIES_PER_PART = 2048;
const TEXTS_PER_PART = 8192;
// One metric's help may be long.
const METRICS_PER_PART = 512;
// At 200 bytes each, 0.8 MB.
const EXEMPLARS_PER_PART = 4096;

export function headFrame(head: ReadHead): Uint8Array {
  return jsonFrame('head', { version: 0, ...head });
}

export function endFrame(end: ReadEnd): Uint8Array {
  return jsonFrame('end', end);
}

/** What is not the world's fault travels without its words. */
export function errorFrame(error: unknown): Uint8Array {
  if (!isTidemarkError(error))
    return jsonFrame('error', { code: 'STORE_FAILED', message: messageOf(error), details: {} });
  const details = Object.entries(error.details).filter(([, value]) => typeof value !== 'bigint');
  return jsonFrame('error', { code: error.code, message: error.message, details: Object.fromEntries(details) });
}

export function* samplesFrames({ series }: SelectAnswer<SelectedSeries>): Iterable<Uint8Array> {
  // One histogram of most buckets may be more than a part should be; a part it is all the same.
  const sizeOf = (one: SelectedSeries) =>
    one.histograms ? Math.min(sizeOfSamples(one), SAMPLES_PER_PART) : one.values.length;
  for (const some of slices([...cutWhereHeavy(series, SAMPLES_PER_PART)], SAMPLES_PER_PART, sizeOf, cutSamples))
    yield encodeFrame('samples', encodeSamplesPart(some));
}

export function* rowsFrames({ series }: SelectAnswer<SelectedRows>): Iterable<Uint8Array> {
  const sizeOf = ({ rows }: SelectedRows) => rows.length;
  const cut = ({ labels, rows }: SelectedRows, from: number, to: number) => ({
    labels,
    rows: rowsBetween(rows, from, to),
  });
  for (const some of slices(series, ROWS_PER_PART, sizeOf, cut)) yield encodeFrame('rows', encodeRowsPart(some));
}

export function* seriesFrames({ series }: SelectAnswer<Labels>): Iterable<Uint8Array> {
  for (let at = 0; at < series.length; at += SERIES_PER_PART) {
    const writer = new ByteWriter(64 * 1024);
    beginPart(writer, series.slice(at, at + SERIES_PER_PART));
    yield encodeFrame('series', endPart(writer));
  }
}

export function* textsFrames({ series }: SelectAnswer<string>): Iterable<Uint8Array> {
  for (let at = 0; at < series.length; at += TEXTS_PER_PART) {
    yield jsonFrame('texts', series.slice(at, at + TEXTS_PER_PART));
  }
}

export function* metadataFrames(metrics: Iterable<MetricDescriptions>): Iterable<Uint8Array> {
  let some: MetricDescriptions[] = [];
  for (const one of metrics) {
    some.push(one);
    if (some.length < METRICS_PER_PART) continue;
    yield jsonFrame('metadata', some);
    some = [];
  }
  if (some.length > 0) yield jsonFrame('metadata', some);
}

export function* exemplarsFrames({ series }: SelectAnswer<SelectedExemplars>): Iterable<Uint8Array> {
  const sizeOf = ({ exemplars }: SelectedExemplars) => exemplars.length;
  const cut = ({ labels, exemplars }: SelectedExemplars, from: number, to: number) => ({
    labels,
    exemplars: exemplars.slice(from, to),
  });
  for (const some of slices(series, EXEMPLARS_PER_PART, sizeOf, cut)) {
    yield encodeFrame('exemplars', encodeExemplarsPart(some));
  }
}

export function cardinalityFrame(cardinality: Cardinality): Uint8Array {
  return jsonFrame('cardinality', { ...cardinality, range: cardinality.range ?? null });
}

/** Throws `READ_ANSWER_MALFORMED`. */
export function decodePart({ kind, body }: Frame): ReadPart {
  try {
    return decode(kind, body);
  } catch (error) {
    if (isTidemarkError(error, 'READ_ANSWER_MALFORMED')) throw error;
    throw malformedAnswer(`a frame of ${kind}: ${messageOf(error)}`, error);
  }
}

function decode(kind: FrameKind, body: Uint8Array): ReadPart {
  switch (kind) {
    case 'samples':
      return { kind, series: decodeSamplesPart(body) };
    case 'rows':
      return { kind, series: decodeRowsPart(body) };
    case 'series': {
      const { series } = openPart(body);
      return { kind, series };
    }
    case 'exemplars':
      return { kind, series: decodeExemplarsPart(body) };
    case 'head': {
      const head = fromJson(body) as ReadHead & { readonly version: number };
      if (head.version !== 0) throw malformedAnswer(`its version is ${head.version}; this Tidemark reads 0`);
      return { kind, head };
    }
    case 'texts':
      return { kind, texts: fromJson(body) as readonly string[] };
    case 'metadata':
      return { kind, metrics: fromJson(body) as readonly MetricDescriptions[] };
    case 'cardinality': {
      const read = fromJson(body) as Cardinality;
      return { kind, cardinality: { ...read, range: read.range ?? undefined } };
    }
    case 'error': {
      const { code, message, details } = fromJson(body) as TidemarkError;
      return { kind, error: new TidemarkError(code, message, details) };
    }
    case 'end':
      return { kind, end: fromJson(body) as ReadEnd };
  }
}

function jsonFrame(kind: FrameKind, value: unknown): Uint8Array {
  return encodeFrame(kind, Buffer.from(JSON.stringify(value), 'utf8'));
}

function fromJson(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
}

/** Runs of series of about `most` entries together; a longer series is cut into several, in order. */
function* slices<S>(
  series: readonly S[],
  most: number,
  sizeOf: (one: S) => number,
  cut: (one: S, from: number, to: number) => S,
): Iterable<readonly S[]> {
  let some: S[] = [];
  let size = 0;
  for (const one of series) {
    const own = sizeOf(one);
    if (size > 0 && (size + own > most || some.length === SERIES_PER_PART)) {
      yield some;
      some = [];
      size = 0;
    }
    if (own <= most) {
      some.push(one);
      size += own;
      continue;
    }
    for (let at = 0; at < own; at += most) yield [cut(one, at, Math.min(at + most, own))];
  }
  if (some.length > 0) yield some;
}
