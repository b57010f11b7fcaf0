import type { ProtoCursor } from '@tidemark/base';
import { assert, bytesEqual, hash32 } from '@tidemark/base';
import { decodeLabels, formatLabels, METRIC_TYPES, type SeriesSection } from '@tidemark/model';
import type { LabelProblem } from '../admission/label-limits.ts';
import { LABEL_TAG, STRIP_SLACK, stripFraming, type WireLabels } from '../protocol/wire-labels.ts';
import type { Routes } from '../route/routes.ts';
import { fingerprintOf } from './fingerprint.ts';
import { LabelPages, rangesEqual } from './label-pages.ts';
import { SectionCache } from './section-cache.ts';
import { makeColumns, type SeriesColumns, type SeriesTable } from './series-table.ts';

// The series of one tenant that remote write has named, by the very bytes it named them with.
//
//   request   ..| labels of A |samples| labels of B |samples| labels of C |samples|..
//                     |                     |
//                 equal to what followed the last one?   yes: one comparison, nothing parsed, nothing hashed
//                                                        no:  hash, table, compare; unknown: parse, check, add
//
//   ref 0 is nobody. Ref r holds wire bytes (pages), target, way, successor.
//   Wire bytes that are not clean (unsorted, empty values: wire-labels.ts) get a ref of their own whose target is the clean
//   one; only targets are handed out.
//
// Memory: wire bytes + 54 bytes a series (twice that before a doubling fills up). The owner watches `bytes` and clears; a cleared directory learns anew.

/** Refs before the first doubling: a tenant that sends ten series costs some kilobytes. */
const FIRST_CAPACITY = 64;
/** Per series: seven fields below (28), SeriesColumns (18), two table slots (8). */
const COLUMN_BYTES = 54;
const UNKNOWN_TYPE = METRIC_TYPES.indexOf('unknown');

export interface DirectoryOptions {
  readonly tenantHash: number;
  readonly routes: Routes;
  /** Of the table's hash, so that nobody outside knows where a series lands. */
  readonly seed: number;
  readonly sectionBytesMax: number;
}

export class SeriesDirectory implements SeriesTable {
  columns: SeriesColumns = makeColumns(FIRST_CAPACITY);
  readonly masks = new Map<number, number>();
  /** Why the last `resolve` answered 0. */
  problem: LabelProblem | undefined;
  readonly #options: DirectoryOptions;
  readonly #labels: WireLabels;
  readonly #pages = new LabelPages();
  readonly #sections: SectionCache;
  #pageOf = new Uint32Array(FIRST_CAPACITY);
  #offset = new Uint32Array(FIRST_CAPACITY);
  #length = new Uint32Array(FIRST_CAPACITY);
  #hash = new Uint32Array(FIRST_CAPACITY);
  #target = new Uint32Array(FIRST_CAPACITY);
  #successor = new Uint32Array(FIRST_CAPACITY);
  /** Bytes of the canonical form; meant for targets only. */
  #canonical = new Uint32Array(FIRST_CAPACITY);
  #table = new Uint32Array(FIRST_CAPACITY * 2);
  #count = 1;
  #last = 0;
  #scratch = new Uint8Array(4096);

  constructor(options: DirectoryOptions, labels: WireLabels) {
    this.#options = options;
    this.#labels = labels;
    this.#sections = new SectionCache(options.sectionBytesMax);
  }

  /** Refs in use, aliases included. */
  get count(): number {
    return this.#count - 1;
  }

  get bytes(): number {
    return this.#pages.bytes + this.#hash.length * COLUMN_BYTES + this.#sections.bytes;
  }

  /** Forgets everything. Refs handed out before mean nothing any more. */
  clear(): void {
    this.columns = makeColumns(FIRST_CAPACITY);
    this.masks.clear();
    this.#pages.clear();
    this.#sections.clear();
    this.#pageOf = new Uint32Array(FIRST_CAPACITY);
    this.#offset = new Uint32Array(FIRST_CAPACITY);
    this.#length = new Uint32Array(FIRST_CAPACITY);
    this.#hash = new Uint32Array(FIRST_CAPACITY);
    this.#target = new Uint32Array(FIRST_CAPACITY);
    this.#successor = new Uint32Array(FIRST_CAPACITY);
    this.#canonical = new Uint32Array(FIRST_CAPACITY);
    this.#table = new Uint32Array(FIRST_CAPACITY * 2);
    this.#count = 1;
    this.#last = 0;
  }

  /**
   * The ref of the series whose labels begin at the cursor, which moves behind them; 0 when its labels are refused (see
   * `problem`). All labels must stand together; `[cursor.at, end)` is the rest of the series. Throws `PROTOBUF_MALFORMED`.
   */
  resolve(cursor: ProtoCursor, end: number): number {
    const { bytes, view, at } = cursor;
    const guess = this.#successor[this.#last] as number;
    if (guess !== 0) {
      const runEnd = at + (this.#length[guess] as number);
      if (
        runEnd <= end &&
        (runEnd === end || bytes[runEnd] !== LABEL_TAG) &&
        rangesEqual(
          this.#pages.views[this.#pageOf[guess] as number] as DataView,
          this.#offset[guess] as number,
          view,
          at,
          runEnd - at,
        )
      ) {
        this.#last = guess;
        cursor.at = runEnd;
        return this.#target[guess] as number;
      }
    }
    return this.#lookUp(cursor, end);
  }

  labelLength(ref: number): number {
    return this.#canonical[ref] as number;
  }

  fingerprint(ref: number): number {
    return fingerprintOf(this.#scratch, 0, this.#strip(ref));
  }

  describe(ref: number): string {
    return formatLabels(decodeLabels(this.#scratch, 0, this.#strip(ref)));
  }

  section(way: number, refs: Uint32Array): SeriesSection {
    return this.#sections.get(way, refs) ?? this.#sections.put(way, refs, this.#makeSection(refs));
  }

  #makeSection(refs: Uint32Array): SeriesSection {
    const count = refs.length;
    let length = 0;
    for (let i = 0; i < count; i++) length += this.#canonical[refs[i] as number] as number;
    const room = new ArrayBuffer(length + STRIP_SLACK);
    const out = new DataView(room);
    const labelEnds = new Uint32Array(count);
    let to = 0;
    for (let i = 0; i < count; i++) {
      const ref = refs[i] as number;
      const start = this.#offset[ref] as number;
      const page = this.#pages.views[this.#pageOf[ref] as number] as DataView;
      to = stripFraming(page, start, start + (this.#length[ref] as number), out, to);
      labelEnds[i] = to;
    }
    assert(to === length, 'canonical labels are as long as they were counted');
    const types = new Uint8Array(count).fill(UNKNOWN_TYPE);
    const labelBytes = new Uint8Array(room, 0, length);
    return { count, labelBytes, labelEnds, types, units: undefined, startTimesMs: undefined };
  }

  #lookUp(cursor: ProtoCursor, end: number): number {
    const start = cursor.at;
    const runEnd = endOfRun(cursor.bytes, start, end);
    const hash = hash32(cursor.bytes, start, runEnd, this.#options.seed);
    let ref = this.#find(cursor.view, start, runEnd, hash);
    if (ref === 0) ref = this.#learn(cursor, start, runEnd, hash);
    cursor.at = runEnd;
    if (ref === 0) return 0;
    this.#successor[this.#last] = ref;
    this.#last = ref;
    return this.#target[ref] as number;
  }

  /** Checks labels seen for the first time and adds them: clean bytes as a target, others as an alias of their target. */
  #learn(cursor: ProtoCursor, start: number, runEnd: number, hash: number): number {
    const labels = this.#labels;
    labels.begin(cursor.bytes);
    cursor.at = start;
    while (cursor.at < runEnd) {
      cursor.at++; // the tag, LABEL_TAG by endOfRun
      labels.read(cursor, runEnd);
    }
    this.problem = labels.settle();
    if (this.problem) return 0;
    const clean = labels.clean();
    if (bytesEqual(clean, 0, clean.length, cursor.bytes, start, runEnd)) return this.#addTarget(clean, hash);
    return this.#add(cursor.bytes, start, runEnd, hash, this.#targetOf(clean));
  }

  /** The ref of the labels that the WireLabels of this directory have read, however they stood; 0 when refused. */
  resolveRead(): number {
    this.problem = this.#labels.settle();
    return this.problem ? 0 : this.#targetOf(this.#labels.clean());
  }

  #targetOf(clean: Uint8Array): number {
    const view = new DataView(clean.buffer, clean.byteOffset, clean.byteLength);
    const hash = hash32(clean, 0, clean.length, this.#options.seed);
    return this.#find(view, 0, clean.length, hash) || this.#addTarget(clean, hash);
  }

  #addTarget(clean: Uint8Array, hash: number): number {
    const { metricStart, metricEnd, canonicalLength } = this.#labels;
    const { tenantHash, routes } = this.#options;
    const ref = this.#add(clean, 0, clean.length, hash, this.#count);
    this.columns.ways[ref] = routes.wayOf(tenantHash, clean, metricStart, metricEnd, ref, this.masks);
    this.#canonical[ref] = canonicalLength;
    return ref;
  }

  #find(view: DataView, start: number, end: number, hash: number): number {
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = this.#table[slot] as number;
      if (ref === 0) return 0;
      if (this.#hash[ref] === hash && this.#holds(ref, view, start, end)) return ref;
    }
  }

  #holds(ref: number, view: DataView, start: number, end: number): boolean {
    return (
      this.#length[ref] === end - start &&
      rangesEqual(
        this.#pages.views[this.#pageOf[ref] as number] as DataView,
        this.#offset[ref] as number,
        view,
        start,
        end - start,
      )
    );
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number, target: number): number {
    const ref = this.#count++;
    if (ref === this.#hash.length) this.#grow();
    this.#offset[ref] = this.#pages.push(bytes, start, end);
    this.#pageOf[ref] = this.#pages.pages.length - 1;
    this.#length[ref] = end - start;
    this.#hash[ref] = hash;
    this.#target[ref] = target;
    this.#insert(ref, hash);
    return ref;
  }

  #insert(ref: number, hash: number): void {
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = ref;
  }

  #grow(): void {
    const size = this.#hash.length * 2;
    this.#pageOf = grown(this.#pageOf, size);
    this.#offset = grown(this.#offset, size);
    this.#length = grown(this.#length, size);
    this.#hash = grown(this.#hash, size);
    this.#target = grown(this.#target, size);
    this.#successor = grown(this.#successor, size);
    this.#canonical = grown(this.#canonical, size);
    const held = this.columns;
    this.columns = makeColumns(size);
    this.columns.ways.set(held.ways);
    this.columns.activeStamps.set(held.activeStamps);
    this.columns.recordStamps.set(held.recordStamps);
    this.columns.recordIndexes.set(held.recordIndexes);
    this.#table = new Uint32Array(size * 2);
    for (let ref = 1; ref < this.#count - 1; ref++) this.#insert(ref, this.#hash[ref] as number);
  }

  /** Canonical bytes of a target into the scratch; returns their length. */
  #strip(ref: number): number {
    const length = this.#canonical[ref] as number;
    if (length + STRIP_SLACK > this.#scratch.length) this.#scratch = new Uint8Array(length * 2 + STRIP_SLACK);
    const start = this.#offset[ref] as number;
    const page = this.#pages.views[this.#pageOf[ref] as number] as DataView;
    const out = new DataView(this.#scratch.buffer);
    return stripFraming(page, start, start + (this.#length[ref] as number), out, 0);
  }
}

/** Where the run of labels that begins at `at` ends. A label that leaves the series is left to be found malformed. */
function endOfRun(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] === LABEL_TAG) {
    let length = 0;
    let scale = 1;
    let next = at + 1;
    for (;;) {
      if (next >= end || next - at > 10) return end;
      const byte = bytes[next++] as number;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    if (length > end - next) return end;
    at = next + length;
  }
  return at;
}

function grown(column: Uint32Array, size: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(size);
  larger.set(column);
  return larger;
}
