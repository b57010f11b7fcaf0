import { isUtf8 } from 'node:buffer';
import {
  expectWire,
  fieldOf,
  malformedProtobuf,
  ProtoCursor,
  readInt64,
  readLength,
  readTag,
  readVarint,
  skipField,
  TidemarkError,
  WIRE_BYTES,
  WIRE_FIXED64,
  WIRE_VARINT,
} from '@tidemark/base';
import { decodeUtf8, type MetricMetadata, type MetricType } from '@tidemark/model';
import { shown } from '../admission/label-limits.ts';
import type { Refusals } from '../admission/refusals.ts';
import type { IngestOptions } from '../options.ts';
import type { SeriesDirectory } from '../series/directory.ts';
import type { IntakeColumns } from './intake-columns.ts';
import type { IntakeExemplars } from './intake-exemplars.ts';
import type { IntakeHistograms } from './intake-histograms.ts';
import { readExemplar } from './wire-exemplar.ts';
import { readHistogram } from './wire-histogram.ts';
import type { WireLabels } from './wire-labels.ts';

// Prometheus remote write 1.0: a snappy block (base/src/wire/snappy.ts) around
//
//   WriteRequest   1 timeseries* | 3 metadata*
//   TimeSeries     1 label* | 2 sample* | 3 exemplar* | 4 histogram*
//   Label          1 name | 2 value                                          wire-labels.ts
//   Sample         1 value double | 2 timestamp int64 (ms)                   a field that is 0 is left out
//   MetricMetadata 1 type | 2 metric_family_name | 4 help | 5 unit
//
// A sample goes from the request's bytes to the columns without an object in between; labels that are known cost one
// comparison (series/directory.ts). Exemplars and native histograms are read aside (wire-exemplar.ts,
// wire-histogram.ts).

export type RemoteWriteLimits = Pick<
  IngestOptions,
  'samplesPerRequestMax' | 'seriesPerRequestMax' | 'metadataPerRequestMax' | 'metadataBytesMax'
>;

const SERIES_TAG = 0x0a;
const SAMPLE_TAG = 0x12;
const VALUE_TAG = 0x09;
const TIMESTAMP_TAG = 0x10;

/** prompb.MetricMetadata.MetricType, by number. */
const TYPES: readonly MetricType[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

/** Where the parts of a request go. */
export interface RequestParts {
  readonly columns: IntakeColumns;
  readonly exemplars: IntakeExemplars;
  readonly histograms: IntakeHistograms;
}

export class RemoteWriteDecoder {
  readonly labels: WireLabels;
  readonly #limits: RemoteWriteLimits;
  readonly #cursor = new ProtoCursor();
  #columns!: IntakeColumns;
  #directory!: SeriesDirectory;
  #refusals!: Refusals;
  #exemplars!: IntakeExemplars;
  #histograms!: IntakeHistograms;
  #metadata: MetricMetadata[] = [];
  /** Of the series at hand: where each begins and ends. They are read when it is known whose they are. */
  readonly #histogramRanges: number[] = [];

  /** `labels` is the one that the directories decoded into were made with. */
  constructor(limits: RemoteWriteLimits, labels: WireLabels) {
    this.#limits = limits;
    this.labels = labels;
  }

  /**
   * Appends samples, exemplars and native histograms of one decompressed request to `into`, refs by `directory`. What a series is refused for goes to
   * `refusals`; the rest of the request goes on. Returns the metadata.
   *
   * Throws `PROTOBUF_MALFORMED` and `INGEST_REQUEST_TOO_LARGE`; `into` then holds a part of the request.
   */
  decode(
    request: Uint8Array,
    directory: SeriesDirectory,
    into: RequestParts,
    refusals: Refusals,
  ): readonly MetricMetadata[] {
    const cursor = this.#cursor;
    cursor.over(request);
    this.#columns = into.columns;
    this.#directory = directory;
    this.#exemplars = into.exemplars;
    this.#histograms = into.histograms;
    this.#refusals = refusals;
    this.#metadata = [];
    try {
      this.#request(request.length);
    } finally {
      cursor.release();
    }
    return this.#metadata;
  }

  #request(end: number): void {
    const cursor = this.#cursor;
    let seriesLeft = this.#limits.seriesPerRequestMax;
    while (cursor.at < end) {
      const at = cursor.at;
      const tag = readTag(cursor, end);
      if (tag === SERIES_TAG) {
        if (--seriesLeft < 0) throw tooMany('series', 'seriesPerRequestMax', this.#limits.seriesPerRequestMax);
        this.#series(readLength(cursor, end));
      } else if (fieldOf(tag) === 1) {
        throw malformedProtobuf(`timeseries with wire type ${tag & 7}`, at);
      } else if (fieldOf(tag) === 3) {
        expectWire(tag, WIRE_BYTES, 'metadata', at);
        this.#readMetadata(readLength(cursor, end));
      } else {
        skipField(cursor, end, tag);
      }
    }
  }

  #series(end: number): void {
    const cursor = this.#cursor;
    const start = cursor.at;
    const ref = this.#directory.resolve(cursor, end);
    const first = this.#columns.count;
    const firstExemplar = this.#exemplars.list.length;
    this.#histogramRanges.length = 0;
    if (this.#samples(ref, end)) this.#settle(ref, first, firstExemplar);
    else this.#scatteredSeries(start, end, first, firstExemplar);
  }

  /** Reads samples and what else follows the labels. False when more labels follow: then nothing of it counts. */
  #samples(ref: number, end: number): boolean {
    const cursor = this.#cursor;
    const { bytes } = cursor;
    while (cursor.at < end) {
      const at = cursor.at;
      if (bytes[at] === SAMPLE_TAG) {
        cursor.at = at + 1;
        this.#sample(ref, readLength(cursor, end));
        continue;
      }
      const tag = readTag(cursor, end);
      const field = fieldOf(tag);
      if (field <= 4) expectWire(tag, WIRE_BYTES, 'a field of timeseries', at);
      if (field === 1) return false;
      const fieldEnd = field <= 4 ? readLength(cursor, end) : 0;
      if (field === 2) {
        this.#sample(ref, fieldEnd);
      } else if (field === 3) {
        readExemplar(cursor, fieldEnd, ref, this.#exemplars);
      } else if (field === 4) {
        this.#histogramRanges.push(cursor.at, fieldEnd);
        cursor.at = fieldEnd;
      } else {
        skipField(cursor, end, tag);
      }
    }
    return true;
  }

  #sample(ref: number, end: number): void {
    const cursor = this.#cursor;
    const columns = this.#columns;
    const index = columns.count;
    if (index === columns.refs.length) columns.grow();
    if (index >= this.#limits.samplesPerRequestMax) throw this.#tooManySamples();
    let low = 0;
    let high = 0;
    let timestampMs = 0;
    const { bytes, view } = cursor;
    let at = cursor.at;
    if (end - at > 10 && bytes[at] === VALUE_TAG && bytes[at + 9] === TIMESTAMP_TAG) {
      // What every writer writes, value then time.
      low = view.getUint32(at + 1, true);
      high = view.getUint32(at + 5, true);
      cursor.at = at + 10;
      timestampMs = readInt64(cursor, end);
      at = cursor.at;
    }
    while (at < end) {
      const tag = readTag(cursor, end);
      const field = fieldOf(tag);
      if (field === 1) {
        expectWire(tag, WIRE_FIXED64, 'a sample value', at);
        if (end - cursor.at < 8) throw malformedProtobuf('a sample value cut off', cursor.at);
        low = view.getUint32(cursor.at, true);
        high = view.getUint32(cursor.at + 4, true);
        cursor.at += 8;
      } else if (field === 2) {
        expectWire(tag, WIRE_VARINT, 'a sample timestamp', at);
        timestampMs = readInt64(cursor, end);
      } else {
        skipField(cursor, end, tag);
      }
      at = cursor.at;
    }
    columns.refs[index] = ref;
    columns.timestampsMs[index] = timestampMs;
    columns.words[index * 2] = low;
    columns.words[index * 2 + 1] = high;
    columns.count = index + 1;
  }

  /** Labels that do not stand together (allowed by protobuf, written by nobody known): gathers them, then the samples. */
  #scatteredSeries(start: number, end: number, first: number, firstExemplar: number): void {
    const cursor = this.#cursor;
    const { labels } = this;
    this.#columns.count = first;
    this.#exemplars.truncate(firstExemplar);
    this.#histogramRanges.length = 0;
    labels.begin(cursor.bytes);
    cursor.at = start;
    const samples: number[] = [];
    const exemplars: number[] = [];
    while (cursor.at < end) {
      const at = cursor.at;
      const tag = readTag(cursor, end);
      const field = fieldOf(tag);
      if (field <= 4) expectWire(tag, WIRE_BYTES, 'a field of timeseries', at);
      if (field === 1) {
        labels.read(cursor, end);
        continue;
      }
      if (field > 4) {
        skipField(cursor, end, tag);
        continue;
      }
      const fieldEnd = readLength(cursor, end);
      if (field === 2) {
        if (samples.length >= this.#limits.samplesPerRequestMax * 2) throw this.#tooManySamples();
        samples.push(cursor.at, fieldEnd);
      }
      if (field === 3) exemplars.push(cursor.at, fieldEnd);
      if (field === 4) this.#histogramRanges.push(cursor.at, fieldEnd);
      cursor.at = fieldEnd;
    }
    const ref = this.#directory.resolveRead();
    for (let i = 0; i < samples.length; i += 2) {
      cursor.at = samples[i] as number;
      this.#sample(ref, samples[i + 1] as number);
    }
    for (let i = 0; i < exemplars.length; i += 2) {
      cursor.at = exemplars[i] as number;
      readExemplar(cursor, exemplars[i + 1] as number, ref, this.#exemplars);
    }
    cursor.at = end;
    this.#settle(ref, first, firstExemplar);
  }

  #tooManySamples(): TidemarkError {
    return tooMany('samples', 'samplesPerRequestMax', this.#limits.samplesPerRequestMax);
  }

  /** Refuses what a refused series has; else reads its histograms. */
  #settle(ref: number, first: number, firstExemplar: number): void {
    const ranges = this.#histogramRanges;
    if (ref === 0) {
      const problem = this.#directory.problem;
      const count = this.#columns.count - first + ranges.length / 2;
      this.#columns.count = first;
      this.#exemplars.refuse('series_refused', this.#exemplars.list.length - firstExemplar);
      this.#exemplars.truncate(firstExemplar);
      if (problem) this.#refusals.add(problem.reason, Math.max(count, 1), () => problem.example);
    } else if (ranges.length > 0) this.#readHistograms(ref);
  }

  #readHistograms(ref: number): void {
    const cursor = this.#cursor;
    const { at } = cursor;
    const { list } = this.#histograms;
    const ranges = this.#histogramRanges;
    for (let i = 0; i < ranges.length; i += 2) {
      if (this.#columns.count + list.length >= this.#limits.samplesPerRequestMax) throw this.#tooManySamples();
      cursor.at = ranges[i] as number;
      const read = readHistogram(cursor, ranges[i + 1] as number);
      if (typeof read === 'string') {
        this.#refusals.add(
          read,
          1,
          () => `series ${this.#directory.describe(ref)} has a native histogram that is none`,
        );
      } else list.push({ ref, ...read });
    }
    cursor.at = at;
  }

  #readMetadata(end: number): void {
    const cursor = this.#cursor;
    if (this.#metadata.length >= this.#limits.metadataPerRequestMax) {
      throw tooMany('metadata', 'metadataPerRequestMax', this.#limits.metadataPerRequestMax);
    }
    const start = cursor.at;
    let type = 0;
    const texts: Record<'metric' | 'help' | 'unit', [number, number]> = { metric: [0, 0], help: [0, 0], unit: [0, 0] };
    while (cursor.at < end) {
      const at = cursor.at;
      const tag = readTag(cursor, end);
      const field = fieldOf(tag);
      if (field === 1) {
        expectWire(tag, WIRE_VARINT, 'a metadata type', at);
        type = readVarint(cursor, end);
        continue;
      }
      const key = field === 2 ? 'metric' : field === 4 ? 'help' : field === 5 ? 'unit' : undefined;
      if (!key) {
        skipField(cursor, end, tag);
        continue;
      }
      expectWire(tag, WIRE_BYTES, `metadata ${key}`, at);
      const textEnd = readLength(cursor, end);
      texts[key] = [cursor.at, textEnd];
      cursor.at = textEnd;
    }
    this.#addMetadata(type, texts, end - start);
  }

  #addMetadata(type: number, texts: Record<'metric' | 'help' | 'unit', [number, number]>, length: number): void {
    const { bytes } = this.#cursor;
    const name = () => shown(bytes, ...texts.metric);
    const { metadataBytesMax } = this.#limits;
    if (length > metadataBytesMax) {
      this.#refusals.add('metadata_too_long', 1, () => {
        return `metadata of ${name()} has ${length} bytes, the limit metadataBytesMax is ${metadataBytesMax}`;
      });
      return;
    }
    if (texts.metric[0] === texts.metric[1]) {
      this.#refusals.add('metric_name_missing', 1, () => 'metadata without a metric name');
      return;
    }
    for (const [start, end] of Object.values(texts)) {
      if (isUtf8(bytes.subarray(start, end))) continue;
      this.#refusals.add('metadata_not_utf8', 1, () => `metadata of ${name()} has text that is not valid UTF-8`);
      return;
    }
    this.#metadata.push({
      metric: decodeUtf8(bytes, ...texts.metric),
      type: TYPES[type] ?? 'unknown',
      unit: decodeUtf8(bytes, ...texts.unit),
      help: decodeUtf8(bytes, ...texts.help),
    });
  }
}

function tooMany(what: string, name: string, limit: number): TidemarkError {
  return new TidemarkError(
    'INGEST_REQUEST_TOO_LARGE',
    `the request holds more than ${limit} ${what}, the limit ${name}: send smaller batches`,
    { what, limit },
  );
}
