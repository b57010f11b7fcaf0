import { must } from '@tidemark/base';
import {
  ExemplarBuilder,
  type ExemplarColumns,
  HistogramBuilder,
  type HistogramColumns,
  type SeriesSection,
  wordsOf,
} from '@tidemark/model';
import type { IntakeColumns } from '../protocol/intake-columns.ts';
import type { IntakeExemplar } from '../protocol/intake-exemplars.ts';
import type { IntakeHistogram } from '../protocol/intake-histograms.ts';
import type { SeriesTable } from '../series/series-table.ts';
import type { Routes } from './routes.ts';

// Splits a request's samples by the way of their series (topic and partition: routes.ts), one record a way, in arrival order
// within each; a record that grows to `recordBytes` is closed and another one begun.
//
//   refs of the request      a b c a d e          ways of a, b, c, d, e:   0 1 0 1 0
//   record of way 0          a c a e   series a c e, samples 0 1 0 2
//   record of way 1          b d       series b d,   samples 0 1
//
// Two passes: the first counts and numbers series, the second fills columns of exactly the right length. They are new for
// every record: who reads them in this process keeps them.
//
// Native histograms go where the samples of their series and time went, behind them; those of series without a sample here get records of
// their own: what comes again with every request has sections that come again.
//
// Exemplars go where their series' samples went. Those of series without a sample here get records of their own: sections of
// series that come again and again stay what they are.

export interface PartitionRecord {
  readonly partition: number;
  readonly isCritical: boolean;
  readonly series: SeriesSection;
  readonly sampleSeries: Uint32Array;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly exemplars: ExemplarColumns | undefined;
  readonly histograms: HistogramColumns | undefined;
}

/** A sample in a record before compression: series index, time, value. */
const SAMPLE_BYTES = 16;
/** An exemplar but for its labels. */
const EXEMPLAR_BYTES = 24;
/** A histogram but for its bytes. */
const HISTOGRAM_BYTES = 16;
const NO_EXEMPLARS: readonly IntakeExemplar[] = [];
const NO_HISTOGRAMS: readonly IntakeHistogram[] = [];

interface OpenRecord {
  readonly id: number;
  readonly way: number;
  refs: Uint32Array;
  seriesCount: number;
  sampleCount: number;
  bytes: number;
  exemplars: ExemplarBuilder | undefined;
  histograms: HistogramBuilder | undefined;
}

export class PartitionSplitter {
  readonly #recordBytes: number;
  readonly #routes: Routes;
  /** Ways below this are the same for every sample of a series. */
  readonly #steady: number;
  /** Per way: the record that takes its next sample. */
  readonly #open: (OpenRecord | undefined)[];
  /** Of the current request, in the order in which they were begun. */
  readonly #records: OpenRecord[] = [];
  /** Ref columns that finished records gave back. */
  readonly #spare: Uint32Array[] = [];
  #nextId = 1;
  /** Index of each sample's series in its record. */
  #localIndexes = new Uint32Array(2048);

  constructor(routes: Routes, recordBytes: number) {
    this.#routes = routes;
    this.#steady = routes.partitions * 2;
    this.#open = new Array<OpenRecord | undefined>(this.#steady).fill(undefined);
    this.#recordBytes = recordBytes;
  }

  split(
    columns: IntakeColumns,
    table: SeriesTable,
    exemplars: readonly IntakeExemplar[] = NO_EXEMPLARS,
    histograms: readonly IntakeHistogram[] = NO_HISTOGRAMS,
  ): readonly PartitionRecord[] {
    const firstId = this.#nextId;
    this.#number(columns, table);
    if (histograms.length > 0) this.#placeHistograms(histograms, table, firstId);
    if (exemplars.length > 0) this.#placeExemplars(exemplars, table, firstId);
    const filled = this.#fill(columns, table);
    for (const record of this.#records) if (this.#spare.length < this.#open.length) this.#spare.push(record.refs);
    this.#records.length = 0;
    this.#open.fill(undefined);
    if (this.#localIndexes.length > KEEP_CAPACITY) this.#localIndexes = new Uint32Array(2048);
    return filled;
  }

  #number(columns: IntakeColumns, table: SeriesTable): void {
    const { refs, timestampsMs, count } = columns;
    const { ways, recordStamps, recordIndexes } = table.columns;
    const steady = this.#steady;
    if (this.#localIndexes.length < count) this.#localIndexes = new Uint32Array(count);
    const localIndexes = this.#localIndexes;
    for (let i = 0; i < count; i++) {
      const ref = refs[i] as number;
      let way = ways[ref] as number;
      if (way >= steady) way = this.#wayAt(way, table, ref, timestampsMs[i] as number);
      let record = this.#open[way];
      if (record === undefined || record.bytes >= this.#recordBytes) record = this.#begin(way);
      if (recordStamps[ref] !== record.id) this.#put(record, table, ref);
      localIndexes[i] = recordIndexes[ref] as number;
      record.bytes += SAMPLE_BYTES;
      record.sampleCount++;
    }
  }

  /** Gives the series a place in the record. */
  #put(record: OpenRecord, table: SeriesTable, ref: number): void {
    const { recordStamps, recordIndexes } = table.columns;
    recordStamps[ref] = record.id;
    recordIndexes[ref] = record.seriesCount;
    if (record.seriesCount === record.refs.length) record.refs = doubled(record.refs);
    record.refs[record.seriesCount++] = ref;
    record.bytes += table.labelLength(ref);
  }

  /** Records of this request have ids from `firstId` on, one after another. */
  #placeExemplars(exemplars: readonly IntakeExemplar[], table: SeriesTable, firstId: number): void {
    const { ways, recordStamps, recordIndexes } = table.columns;
    const own = new Map<number, OpenRecord>();
    for (const { ref, timestampMs, value, labels, hasNoTime } of exemplars) {
      let record = this.#records[(recordStamps[ref] as number) - firstId];
      if (record === undefined || record.bytes >= this.#recordBytes) {
        let way = ways[ref] as number;
        if (way >= this.#steady) way = this.#wayAt(way, table, ref, timestampMs);
        record = own.get(way);
        if (record === undefined || record.bytes >= this.#recordBytes) {
          record = this.#begin(way);
          own.set(way, record);
        }
        this.#put(record, table, ref);
      }
      record.exemplars ??= new ExemplarBuilder();
      record.exemplars.add(recordIndexes[ref] as number, timestampMs, value, labels, hasNoTime);
      record.bytes += EXEMPLAR_BYTES + labels.length;
    }
  }

  /** As `#placeExemplars`; but the way has to be that of the histogram's time. */
  #placeHistograms(histograms: readonly IntakeHistogram[], table: SeriesTable, firstId: number): void {
    const { ways, recordStamps, recordIndexes } = table.columns;
    const own = new Map<number, OpenRecord>();
    for (const { ref, timestampMs, bytes } of histograms) {
      let way = ways[ref] as number;
      if (way >= this.#steady) way = this.#wayAt(way, table, ref, timestampMs);
      let record = this.#records[(recordStamps[ref] as number) - firstId];
      if (record === undefined || record.way !== way || record.bytes >= this.#recordBytes) {
        record = own.get(way);
        if (record === undefined || record.bytes >= this.#recordBytes) {
          record = this.#begin(way);
          own.set(way, record);
        }
        if (recordStamps[ref] !== record.id) this.#put(record, table, ref);
      }
      record.histograms ??= new HistogramBuilder();
      record.histograms.add(recordIndexes[ref] as number, timestampMs, bytes);
      record.bytes += HISTOGRAM_BYTES + bytes.length;
    }
  }

  #wayAt(way: number, table: SeriesTable, ref: number, timestampMs: number): number {
    return this.#routes.wayAt(way, must(table.masks.get(ref)), timestampMs);
  }

  #begin(way: number): OpenRecord {
    const refs = this.#spare.pop() ?? new Uint32Array(512);
    const none = { exemplars: undefined, histograms: undefined };
    const record = { id: this.#nextId++, way, refs, seriesCount: 0, sampleCount: 0, bytes: 0, ...none };
    this.#open[way] = record;
    this.#records.push(record);
    return record;
  }

  #fill(columns: IntakeColumns, table: SeriesTable): readonly PartitionRecord[] {
    const { refs, timestampsMs, words, count } = columns;
    const { ways } = table.columns;
    const steady = this.#steady;
    const localIndexes = this.#localIndexes;
    const filling = this.#records.map((record) => makeRecord(record, table, this.#routes.partitions));
    // Records of one way follow one another as the samples do.
    const heads: (Filling | undefined)[] = new Array<Filling | undefined>(this.#open.length).fill(undefined);
    for (let r = filling.length - 1; r >= 0; r--) {
      const record = filling[r] as Filling;
      record.next = heads[record.way];
      heads[record.way] = record;
    }
    for (let i = 0; i < count; i++) {
      const ref = refs[i] as number;
      let way = ways[ref] as number;
      if (way >= steady) way = this.#wayAt(way, table, ref, timestampsMs[i] as number);
      let record = heads[way] as Filling;
      if (record.filled === record.sampleSeries.length) {
        record = record.next as Filling;
        heads[way] = record;
      }
      const at = record.filled++;
      record.sampleSeries[at] = localIndexes[i] as number;
      record.timestampsMs[at] = timestampsMs[i] as number;
      record.words[at * 2] = words[i * 2] as number;
      record.words[at * 2 + 1] = words[i * 2 + 1] as number;
    }
    return filling;
  }
}

interface Filling extends PartitionRecord {
  readonly way: number;
  readonly words: Uint32Array;
  filled: number;
  next: Filling | undefined;
}

/** The columns of a record share one buffer: three allocations outside the heap would cost more than filling them. */
function makeRecord(record: OpenRecord, table: SeriesTable, partitions: number): Filling {
  const { way, sampleCount } = record;
  const room = new ArrayBuffer(sampleCount * 20);
  const values = new Float64Array(room, 0, sampleCount);
  return {
    way,
    partition: way % partitions,
    isCritical: way >= partitions,
    series: table.section(way, record.refs.subarray(0, record.seriesCount)),
    sampleSeries: new Uint32Array(room, sampleCount * 16, sampleCount),
    timestampsMs: new Float64Array(room, sampleCount * 8, sampleCount),
    values,
    exemplars: record.exemplars?.build(),
    histograms: record.histograms?.build(),
    words: wordsOf(values),
    filled: 0,
    next: undefined,
  };
}

const KEEP_CAPACITY = 64 * 1024;

function doubled(refs: Uint32Array): Uint32Array {
  const larger = new Uint32Array(refs.length * 2);
  larger.set(refs);
  return larger;
}
