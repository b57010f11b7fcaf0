import { ByteReader, ByteWriter, bytesEqual, hash32 } from '@tidemark/base';
import { malformed, readTimeColumn, writeTimeColumn } from './columns.ts';
import { pack, unpack } from './packing.ts';
import { labelStart, METRIC_TYPES, type SeriesSection } from './series-section.ts';
import { WrittenSections } from './written-sections.ts';

// The series of a batch on the wire: each one's canonical labels as what differs from the series before it.
//
//   series    := entry* | types | units | starts
//   entry     := shared uvarint | tail uvarint | middle bytes      labels = previous[0, shared) + middle + previous[-tail..]
//   types     := 0 | 1 byte[count]                                 0: all unknown
//   units     := 0 | 1 text[count]
//   starts    := 0 | 1 time column
//
// Neighbours of one scrape differ in a metric name or one value, so an entry is some ten bytes out of 250, with no table to
// build or look up: 0.4 us a series to write, half of it to read (labels of 199 bytes). A target's next scrape has the same
// series in the same order, so writer and reader both keep what they last made (by identity here, by packed bytes there) and
// do it once.

const SERIES_MAX = 1_000_000;
// One series' labels: 64 KiB is far above any limit at the gate.
const LABELS_LENGTH_MAX = 65_536;
// Sections remembered by a reader: 4096 targets a process at some 50 KB each.
const REMEMBERED_MAX = 4096;
const REMEMBERED_BYTES_MAX = 64 * 1024 * 1024;
// 4,096 batches in a row that nobody had to decode are some ten scrapes of 100,000 series: who was behind has caught up.
const UNASKED_MAX = 4096;

const packedSections = new WeakMap<SeriesSection, Uint8Array>();
// A section that is packed a second time is held by somebody, and worth being found by its bytes.
const packedAgain = new WeakSet<SeriesSection>();
const writtenSections = new WrittenSections((section) => packedSections.get(section));

/** The section's bytes, packed; remembered as long as the section lives. */
export function packedSeries(section: SeriesSection): Uint8Array {
  const known = packedSections.get(section);
  if (known) {
    if (!packedAgain.has(section)) writtenSections.add(section, known);
    packedAgain.add(section);
    return known;
  }
  const packed = pack(encodeSeries(section));
  packedSections.set(section, packed);
  return packed;
}

/** The packed bytes, where `packedSeries` was called before. */
export function packedIfKnown(section: SeriesSection): Uint8Array | undefined {
  return packedSections.get(section);
}

/** Entries, types, units, starts. */
export function encodeSeries(section: SeriesSection): Uint8Array {
  const writer = new ByteWriter(64 + section.count * 24);
  const bytes = section.labelBytes;
  let lastStart = 0;
  let lastEnd = 0;
  for (let i = 0; i < section.count; i++) {
    const start = labelStart(section, i);
    const end = section.labelEnds[i] as number;
    const most = Math.min(end - start, lastEnd - lastStart);
    let shared = 0;
    while (shared < most && bytes[start + shared] === bytes[lastStart + shared]) shared++;
    let tail = 0;
    while (tail < most - shared && bytes[end - 1 - tail] === bytes[lastEnd - 1 - tail]) tail++;
    writer.uvarint(shared);
    writer.uvarint(tail);
    writer.lengthPrefixed(bytes.subarray(start + shared, end - tail));
    lastStart = start;
    lastEnd = end;
  }
  writeTypes(writer, section);
  writer.u8(section.units ? 1 : 0);
  for (const unit of section.units ?? []) writer.text(unit);
  writer.u8(section.startTimesMs ? 1 : 0);
  if (section.startTimesMs) writeTimeColumn(writer, section.startTimesMs, section.count);
  return writer.view();
}

function writeTypes(writer: ByteWriter, section: SeriesSection): void {
  const known = section.types.some((type) => type !== 0);
  writer.u8(known ? 1 : 0);
  if (known) writer.raw(section.types.subarray(0, section.count));
}

/**
 * Decodes sections, handing out the same object for the same bytes: the one they were packed from, where that lives. One per
 * process; bounded; lets go once it is not asked.
 */
export class SectionReader {
  readonly #written: WrittenSections;
  readonly #remembered = new Map<number, { readonly bytes: Uint8Array; readonly section: SeriesSection }>();
  #rememberedBytes = 0;
  /** Batches since a section was last decoded that were to be had without. */
  #unasked = 0;

  /** `written`: where sections are found that live in this process anyway. */
  constructor(written: WrittenSections = writtenSections) {
    this.#written = written;
  }

  /** What sections that are remembered take. */
  get bytes(): number {
    return this.#rememberedBytes;
  }

  /** A section was to be had without decoding. After UNASKED_MAX of them in a row nothing is remembered any more. */
  spared(): void {
    if (++this.#unasked < UNASKED_MAX || this.#remembered.size === 0) return;
    this.#remembered.clear();
    this.#rememberedBytes = 0;
  }

  /** Of packed bytes, copied where they are kept. Throws `BATCH_MALFORMED`, `BYTES_MALFORMED`, what zlib throws. */
  decode(bytes: Uint8Array, count: number): SeriesSection {
    const hash = hash32(bytes, 0, bytes.length, count);
    const written = this.#written.find(hash, bytes, count);
    if (written) {
      this.#forget(hash);
      this.spared();
      return written;
    }
    this.#unasked = 0;
    const known = this.#remembered.get(hash);
    if (
      known &&
      known.section.count === count &&
      bytesEqual(known.bytes, 0, known.bytes.length, bytes, 0, bytes.length)
    ) {
      return known.section;
    }
    const section = decodeSeries(unpack(bytes), count);
    const kept = new Uint8Array(bytes);
    packedSections.set(section, kept);
    this.#remember(hash, kept, section);
    return section;
  }

  #remember(hash: number, bytes: Uint8Array, section: SeriesSection): void {
    this.#forget(hash);
    this.#remembered.set(hash, { bytes, section });
    this.#rememberedBytes += sizeOf(bytes, section);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= REMEMBERED_MAX && this.#rememberedBytes <= REMEMBERED_BYTES_MAX) break;
      this.#forget(oldest);
    }
  }

  #forget(hash: number): void {
    const entry = this.#remembered.get(hash);
    if (entry === undefined) return;
    this.#remembered.delete(hash);
    this.#rememberedBytes -= sizeOf(entry.bytes, entry.section);
  }
}

function sizeOf(bytes: Uint8Array, { labelBytes, count }: SeriesSection): number {
  return bytes.length + labelBytes.length + count * 5;
}

/** Throws `BATCH_MALFORMED`, `BYTES_MALFORMED`. */
export function decodeSeries(bytes: Uint8Array, count: number): SeriesSection {
  // An entry takes three bytes or more: refuses counts that cannot be before allocating for them.
  if (count < 0 || count > SERIES_MAX || count * 3 > bytes.length)
    throw malformed(`${count} series in ${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  const labels = new ByteWriter(Math.max(256, bytes.length * 4));
  const labelEnds = new Uint32Array(count);
  let lastStart = 0;
  let lastEnd = 0;
  for (let i = 0; i < count; i++) {
    const shared = reader.uvarint();
    const tail = reader.uvarint();
    const middle = reader.lengthPrefixed();
    const length = shared + tail + middle.length;
    if (shared + tail > lastEnd - lastStart) throw malformed(`series ${i} shares more than its neighbour has`);
    if (length > LABELS_LENGTH_MAX) throw malformed(`labels of ${length} bytes; the limit is ${LABELS_LENGTH_MAX}`);
    labels.reserve(length);
    const start = labels.length;
    labels.bytes.copyWithin(start, lastStart, lastStart + shared);
    labels.bytes.set(middle, start + shared);
    labels.bytes.copyWithin(start + shared + middle.length, lastEnd - tail, lastEnd);
    labels.length = start + length;
    labelEnds[i] = labels.length;
    lastStart = start;
    lastEnd = labels.length;
  }
  const types = readTypes(reader, count);
  const units = readFlag(reader) ? Array.from({ length: count }, () => reader.text()) : undefined;
  const startTimesMs = readFlag(reader) ? readTimeColumn(reader, count) : undefined;
  if (reader.left > 0) throw malformed(`${reader.left} bytes after the series`);
  return { count, labelBytes: labels.finish(), labelEnds, types, units, startTimesMs };
}

function readTypes(reader: ByteReader, count: number): Uint8Array {
  if (!readFlag(reader)) return new Uint8Array(count);
  const types = reader.raw(count).slice();
  for (const type of types) if (type >= METRIC_TYPES.length) throw malformed(`metric type ${type}`);
  return types;
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw malformed(`a flag of ${flag}`);
  return flag === 1;
}
