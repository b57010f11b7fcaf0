import { unreachable } from '@tidemark/base';
import { AvroReader } from './avro-reader.ts';
import { unreadable } from './errors.ts';
import { type LabelComplaint, RecordLabels } from './record-labels.ts';
import { metricTypeOf, type PlannedField, RecordShape, type SamplePlan, toMilliseconds } from './sample-plan.ts';
import type { AvroType } from './writer-schema.ts';

// One sample as anyone writes it: Avro behind Confluent's framing, any schema that a record `Sample` can have
// (docs/format/samples.md).
//
//   value := 0x00 | schema id u32be | Avro record of the schema with that id
//
// The library would read it, too. It is read by hand because whoever registers a schema decides what the bytes mean: the library
// turns its field names into code and keys of plain objects (a field `__proto__` is not passed over), five bytes of its arrays
// into fifty million values, and bytes that are no UTF-8 into other text.

const FRAME_LENGTH = 5;
// 256 KiB: eight times the labels that a series may have.
export const SAMPLE_BYTES_MAX = 256 * 1024;

/** The id in the framing. Throws `SAMPLE_EMPTY`, `SAMPLE_MAGIC`, `SAMPLE_TRUNCATED`, `SAMPLE_TOO_LARGE`. */
export function schemaIdOf(value: Uint8Array | null): number {
  if (value === null || value.length === 0) throw unreadable('SAMPLE_EMPTY', 'a record without a value');
  if (value[0] !== 0) {
    const bytes = Buffer.from(value.subarray(0, 8)).toString('hex');
    throw unreadable('SAMPLE_MAGIC', `not behind Confluent's framing: it begins with ${bytes}, not with 00`);
  }
  if (value.length < FRAME_LENGTH) throw unreadable('SAMPLE_TRUNCATED', `${value.length} bytes, the framing has 5`);
  if (value.length > SAMPLE_BYTES_MAX) {
    throw unreadable('SAMPLE_TOO_LARGE', `${value.length} bytes in one sample; the limit is ${SAMPLE_BYTES_MAX}`);
  }
  return new DataView(value.buffer, value.byteOffset, value.length).getUint32(1);
}

export interface BucketCount {
  readonly upperBound: number;
  /** Cumulative. */
  readonly count: number;
}

export interface ClassicHistogram {
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly BucketCount[];
}

export interface SampleExemplar {
  /** Canonical. */
  readonly labels: Uint8Array;
  readonly value: number;
  /** NaN: as the sample. */
  readonly timestampMs: number;
}

const LABEL = new RecordShape(['name', 'value'], ['name', 'value']);
const BUCKET = new RecordShape(['upperBound', 'count'], ['upperBound', 'count']);
const HISTOGRAM = new RecordShape(['count', 'sum', 'buckets'], ['count', 'sum']);
const EXEMPLAR = new RecordShape(['labels', 'value', 'timestamp'], ['value']);

/** Reads records into its own fields: one object, used again for every record. */
export class SampleDecoder {
  /** What is wrong with the labels; then `labels` means nothing. */
  complaint: LabelComplaint | undefined;
  /** Index into METRIC_TYPES. */
  type = 0;
  unit = '';
  timestampMs = 0;
  /** NaN: not said. */
  startTimeMs = Number.NaN;
  hasValue = false;
  /** The value's bits, low and high; as they came. */
  valueLow = 0;
  valueHigh = 0;
  histogram: ClassicHistogram | undefined;
  exemplar: SampleExemplar | undefined;
  readonly #reader = new AvroReader();
  readonly #labels = new RecordLabels();
  readonly #exemplarLabels = new RecordLabels();
  readonly #number = new DataView(new ArrayBuffer(8));
  #bytes: Uint8Array = new Uint8Array(0);

  /** Canonical; a view, valid until the next record. */
  get labels(): Uint8Array {
    return this.#labels.canonical();
  }

  /** Throws `SAMPLE_*`, `SCHEMA_INCOMPATIBLE` (a branch of a union that no sample can have). */
  decode(value: Uint8Array, plan: SamplePlan): void {
    this.#begin(value);
    for (const { role, type } of plan.fields) {
      if (role === undefined) this.#reader.skip(type);
      else this.#field(role, this.#reader.branchOf(type));
    }
    this.#reader.end();
    this.complaint = this.#labels.settle();
  }

  #begin(value: Uint8Array): void {
    this.#bytes = value;
    this.#reader.begin(value, FRAME_LENGTH);
    this.#labels.begin(value);
    this.type = 0;
    this.unit = '';
    this.timestampMs = Number.NaN;
    this.startTimeMs = Number.NaN;
    this.hasValue = false;
    this.histogram = undefined;
    this.exemplar = undefined;
  }

  #field(role: Exclude<SamplePlan['fields'][number]['role'], undefined>, type: AvroType): void {
    const reader = this.#reader;
    switch (role) {
      case 'name': {
        const start = this.#text(type, role);
        this.#labels.addMetric(start, reader.at);
        return;
      }
      case 'labels':
        this.#readLabels(type, this.#labels);
        return;
      case 'type':
        if (type.kind === 'enum') this.type = metricTypeOf(type.symbols[reader.symbolIndex(type.symbols)] as string);
        else this.#absent(type, role);
        return;
      case 'unit': {
        if (type.kind === 'null') return;
        const start = this.#text(type, role);
        this.unit = start === reader.at ? '' : Buffer.from(this.#bytes.subarray(start, reader.at)).toString('utf8');
        return;
      }
      case 'timestamp':
        this.timestampMs = this.#time(type, role);
        return;
      case 'startTime':
        if (type.kind !== 'null') this.startTimeMs = this.#time(type, role);
        return;
      case 'value':
        this.#value(type);
        return;
      case 'histogram':
        if (type.kind === 'record') this.histogram = this.#histogram(HISTOGRAM.planOf(type));
        else this.#absent(type, role);
        return;
      case 'exemplar':
        if (type.kind === 'record') this.exemplar = this.#exemplar(EXEMPLAR.planOf(type));
        else this.#absent(type, role);
        return;
      default:
        unreachable(role);
    }
  }

  #value(type: AvroType): void {
    const reader = this.#reader;
    if (type.kind === 'null') return;
    this.hasValue = true;
    if (type.kind === 'double') {
      // Not through a number: a stale marker is a NaN whose bits mean something.
      const at = reader.doubleAt();
      this.valueLow = reader.word(at);
      this.valueHigh = reader.word(at + 4);
      return;
    }
    this.#number.setFloat64(0, this.#numberOf(type, 'value'), true);
    this.valueLow = this.#number.getUint32(0, true);
    this.valueHigh = this.#number.getUint32(4, true);
  }

  /** Into `into`, beside what is there. */
  #readLabels(type: AvroType, into: RecordLabels): void {
    if (type.kind !== 'array') {
      this.#absent(type, 'labels');
      return;
    }
    const reader = this.#reader;
    for (let count = reader.blockCount(); count > 0; count = reader.blockCount()) {
      for (let i = 0; i < count; i++) this.#label(reader.branchOf(type.items), into);
    }
  }

  #label(type: AvroType, into: RecordLabels): void {
    if (type.kind !== 'record') throw misfit(type, 'a label');
    const reader = this.#reader;
    let nameStart = 0;
    let nameEnd = 0;
    let valueStart = 0;
    let valueEnd = 0;
    for (const field of LABEL.planOf(type)) {
      if (field.role === undefined) {
        reader.skip(field.type);
        continue;
      }
      const start = this.#text(reader.branchOf(field.type), field.role);
      if (field.role === 'name') [nameStart, nameEnd] = [start, reader.at];
      else [valueStart, valueEnd] = [start, reader.at];
    }
    into.add(nameStart, nameEnd, valueStart, valueEnd);
  }

  #histogram(fields: readonly PlannedField<'count' | 'sum' | 'buckets'>[]): ClassicHistogram {
    const reader = this.#reader;
    const buckets: BucketCount[] = [];
    let count = 0;
    let sum = 0;
    for (const { role, type } of fields) {
      if (role === undefined) reader.skip(type);
      else if (role === 'count') count = this.#numberOf(reader.branchOf(type), role);
      else if (role === 'sum') sum = this.#numberOf(reader.branchOf(type), role);
      else this.#buckets(reader.branchOf(type), buckets);
    }
    return { count, sum, buckets };
  }

  #buckets(type: AvroType, into: BucketCount[]): void {
    if (type.kind !== 'array') {
      this.#absent(type, 'buckets');
      return;
    }
    const reader = this.#reader;
    for (let left = reader.blockCount(); left > 0; left = reader.blockCount()) {
      for (let i = 0; i < left; i++) {
        const item = reader.branchOf(type.items);
        if (item.kind !== 'record') throw misfit(item, 'a bucket');
        let upperBound = Number.NaN;
        let count = 0;
        for (const field of BUCKET.planOf(item)) {
          if (field.role === undefined) reader.skip(field.type);
          else if (field.role === 'count') count = this.#numberOf(reader.branchOf(field.type), 'count');
          else upperBound = this.#numberOf(reader.branchOf(field.type), 'upperBound');
        }
        into.push({ upperBound, count });
      }
    }
  }

  #exemplar(fields: readonly PlannedField<'labels' | 'value' | 'timestamp'>[]): SampleExemplar | undefined {
    const reader = this.#reader;
    this.#exemplarLabels.begin(this.#bytes);
    let value = Number.NaN;
    let timestampMs = Number.NaN;
    for (const { role, type } of fields) {
      if (role === undefined) {
        reader.skip(type);
        continue;
      }
      const branch = reader.branchOf(type);
      if (role === 'labels') this.#readLabels(branch, this.#exemplarLabels);
      else if (role === 'value') value = this.#numberOf(branch, 'value');
      else if (branch.kind !== 'null') timestampMs = this.#time(branch, 'timestamp');
    }
    // An exemplar with labels that mean nothing is no reason to lose the sample.
    if (this.#exemplarLabels.settle()) return undefined;
    return { labels: this.#exemplarLabels.canonical().slice(), value, timestampMs };
  }

  #time(type: AvroType, what: string): number {
    if (type.kind !== 'int' && type.kind !== 'long') throw misfit(type, what);
    return toMilliseconds(this.#reader.long(), type.logicalType);
  }

  #numberOf(type: AvroType, what: string): number {
    const reader = this.#reader;
    switch (type.kind) {
      case 'int':
      case 'long':
        return reader.long();
      case 'float':
        return reader.float();
      case 'double':
        return reader.double();
      default:
        throw misfit(type, what);
    }
  }

  #text(type: AvroType, what: string): number {
    if (type.kind !== 'string' && type.kind !== 'bytes') throw misfit(type, what);
    return this.#reader.text();
  }

  #absent(type: AvroType, what: string): void {
    if (type.kind !== 'null') throw misfit(type, what);
  }
}

function misfit(type: AvroType, what: string) {
  return unreadable('SCHEMA_INCOMPATIBLE', `${what} is of kind ${type.kind}`);
}
