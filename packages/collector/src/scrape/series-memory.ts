import { ByteWriter, bytesEqual, hash32 } from '@tidemark/base';
import {
  BatchBuilder,
  encodeLabels,
  type Labels,
  labelStart,
  METRIC_TYPES,
  type MetricType,
  type SeriesSection,
} from '@tidemark/model';

// What a target's series texts meant last time. A page repeats itself scrape after scrape, in the same order, so a series
// costs one comparison of its text with the one that stood there before; a hash finds those that moved.
//
//   texts    | a{x="1"} | a{x="2"} | go_info |     as they stand on the page, with the series each one is
//   textRef  |    5     |    6     |   -1    |     -1: relabelling drops it
//   series   | up | ... | a{instance="h:1",job="j",x="1"} | ...     one section, the same object until a series is new
//
// The first series are the report's (`up` and its company); they never go.

const DROPPED = -1;
const UNKNOWN = -1;
/** Series and texts that no longer come may stay up to this many more than those that do. */
const DEAD_SPARE = 256;

export class SeriesMemory {
  readonly #tenant: string;
  readonly #reportLabels: readonly Labels[];
  #builder: BatchBuilder;
  #section: SeriesSection | undefined;
  // By series.
  #seenNow = new Uint8Array(64);
  #seenBefore = new Uint8Array(64);
  #trackedNow = new Uint8Array(64);
  #trackedBefore = new Uint8Array(64);
  // By text.
  #texts = new ByteWriter(1024);
  #textEnds: number[] = [];
  #textRefs: number[] = [];
  #textSeen: number[] = [];
  #table = new Int32Array(128).fill(UNKNOWN);
  #cursor = 0;
  /** Scrapes begun, from 1; and the last one that went well. */
  #scrape = 0;
  #lastGood = 0;

  constructor(tenant: string, reportLabels: readonly Labels[]) {
    this.#tenant = tenant;
    this.#reportLabels = reportLabels;
    this.#builder = this.#freshBuilder();
  }

  begin(): void {
    this.#scrape++;
    this.#cursor = 0;
    this.#seenNow.fill(0);
    this.#trackedNow.fill(0);
  }

  /** The text's number, or -1 when it is new. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let text = this.#cursor;
    if (text >= this.#textEnds.length || !this.#isText(text, bytes, start, end)) text = this.#lookUp(bytes, start, end);
    if (text === UNKNOWN) return UNKNOWN;
    this.#cursor = text + 1;
    this.#textSeen[text] = this.#scrape;
    return text;
  }

  /** The series a text is, or -1 when it is dropped. */
  refOf(text: number): number {
    return this.#textRefs[text] as number;
  }

  /** Remembers a new text. `labels` are canonical; undefined: it is dropped. Returns its series, or -1. */
  learn(bytes: Uint8Array, start: number, end: number, labels: Uint8Array | undefined, type: MetricType): number {
    const ref = labels === undefined ? DROPPED : this.#seriesOf(labels, type);
    this.#remember(bytes, start, end, ref, this.#scrape);
    this.#cursor = this.#textEnds.length;
    return ref;
  }

  /** Whether this scrape had the series already. */
  isRepeated(ref: number): boolean {
    return this.#seenNow[ref] === 1;
  }

  /** Whether the last good scrape did not have it. */
  isNew(ref: number): boolean {
    return this.#seenBefore[ref] === 0;
  }

  /** `isTracked`: it ends with the stale marker when it no longer comes. */
  saw(ref: number, isTracked: boolean): void {
    this.#seenNow[ref] = 1;
    if (isTracked) this.#trackedNow[ref] = 1;
  }

  /** Ends the scrape. Returns the series that ended with it: those that no longer came, or after a failure all of them. */
  finish(isGood: boolean): readonly number[] {
    if (!isGood) this.#trackedNow.fill(0);
    const ended: number[] = [];
    for (let ref = 0; ref < this.#builder.seriesCount; ref++) {
      if (this.#trackedBefore[ref] === 1 && this.#trackedNow[ref] === 0) ended.push(ref);
    }
    [this.#trackedBefore, this.#trackedNow] = [this.#trackedNow, this.#trackedBefore];
    if (isGood) {
      [this.#seenBefore, this.#seenNow] = [this.#seenNow, this.#seenBefore];
      this.#lastGood = this.#scrape;
    }
    return ended;
  }

  /** All series as they are now; the same object as long as none is new. */
  section(): SeriesSection {
    if (this.#section?.count !== this.#builder.seriesCount) this.#section = this.#builder.build(0).series;
    return this.#section;
  }

  /** Forgets what texts meant, not which series there were: for new relabel rules. */
  forgetTexts(): void {
    this.#texts = new ByteWriter(1024);
    this.#textEnds = [];
    this.#textRefs = [];
    this.#textSeen = [];
    this.#table = new Int32Array(128).fill(UNKNOWN);
    this.#cursor = 0;
  }

  /** Lets go of what no longer comes, once there is much of it. Call it when the section was handed out; series change. */
  tidy(): void {
    const live = this.#liveCount();
    const seriesDead = this.#builder.seriesCount - live;
    const textsDead = this.#textSeen.reduce((count, seen) => count + (seen < this.#lastGood ? 1 : 0), 0);
    const texts = this.#textEnds.length - textsDead;
    if (seriesDead <= live + DEAD_SPARE && textsDead <= texts + DEAD_SPARE) return;
    this.#rebuild();
  }

  #isLive(ref: number): boolean {
    return ref < this.#reportLabels.length || this.#seenBefore[ref] === 1 || this.#trackedBefore[ref] === 1;
  }

  #liveCount(): number {
    let count = 0;
    for (let ref = 0; ref < this.#builder.seriesCount; ref++) if (this.#isLive(ref)) count++;
    return count;
  }

  #rebuild(): void {
    const section = this.section();
    const { seen, tracked } = { seen: this.#seenBefore, tracked: this.#trackedBefore };
    const isLive = Array.from({ length: section.count }, (_, ref) => this.#isLive(ref));
    const moved = new Map<number, number>([[DROPPED, DROPPED]]);
    this.#builder = new BatchBuilder(this.#tenant);
    this.#section = undefined;
    this.#seenBefore = new Uint8Array(seen.length);
    this.#trackedBefore = new Uint8Array(tracked.length);
    isLive.forEach((live, ref) => {
      if (!live) return;
      const type = METRIC_TYPES[section.types[ref] as number] ?? 'unknown';
      const start = labelStart(section, ref);
      const now = this.#builder.seriesOf(section.labelBytes, start, section.labelEnds[ref] as number, type);
      this.#seenBefore[now] = seen[ref] as number;
      this.#trackedBefore[now] = tracked[ref] as number;
      moved.set(ref, now);
    });
    const { bytes } = this.#texts;
    const old = { ends: this.#textEnds, refs: this.#textRefs, seen: this.#textSeen };
    this.forgetTexts();
    old.ends.forEach((end, text) => {
      const ref = moved.get(old.refs[text] as number);
      if (ref === undefined || (old.seen[text] as number) < this.#lastGood) return;
      this.#remember(bytes, text === 0 ? 0 : (old.ends[text - 1] as number), end, ref, old.seen[text] as number);
    });
  }

  #freshBuilder(): BatchBuilder {
    const builder = new BatchBuilder(this.#tenant);
    for (const labels of this.#reportLabels) {
      const bytes = encodeLabels(labels);
      builder.seriesOf(bytes, 0, bytes.length, 'gauge');
    }
    return builder;
  }

  #seriesOf(labels: Uint8Array, type: MetricType): number {
    const ref = this.#builder.seriesOf(labels, 0, labels.length, type);
    if (ref >= this.#seenNow.length) {
      this.#seenNow = doubled(this.#seenNow);
      this.#seenBefore = doubled(this.#seenBefore);
      this.#trackedNow = doubled(this.#trackedNow);
      this.#trackedBefore = doubled(this.#trackedBefore);
    }
    return ref;
  }

  #isText(text: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = text === 0 ? 0 : (this.#textEnds[text - 1] as number);
    return bytesEqual(this.#texts.bytes, from, this.#textEnds[text] as number, bytes, start, end);
  }

  #lookUp(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#table.length - 1;
    for (let slot = hash32(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const text = this.#table[slot] as number;
      if (text === UNKNOWN || this.#isText(text, bytes, start, end)) return text;
    }
  }

  #remember(bytes: Uint8Array, start: number, end: number, ref: number, seen: number): void {
    this.#texts.raw(bytes.subarray(start, end));
    this.#textEnds.push(this.#texts.length);
    this.#textRefs.push(ref);
    this.#textSeen.push(seen);
    if (this.#textEnds.length * 2 > this.#table.length) this.#rehash();
    else this.#file(this.#textEnds.length - 1);
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 4).fill(UNKNOWN);
    for (let text = 0; text < this.#textEnds.length; text++) this.#file(text);
  }

  #file(text: number): void {
    const from = text === 0 ? 0 : (this.#textEnds[text - 1] as number);
    const mask = this.#table.length - 1;
    let slot = hash32(this.#texts.bytes, from, this.#textEnds[text] as number) & mask;
    while (this.#table[slot] !== UNKNOWN) slot = (slot + 1) & mask;
    this.#table[slot] = text;
  }
}

function doubled(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(bytes.length * 2);
  grown.set(bytes);
  return grown;
}
