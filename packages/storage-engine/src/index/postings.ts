import { bytesEqual } from '@tidemark/base';
import { decodeUtf8 } from '@tidemark/model';
import type { LabelPieces } from '../series/label-pieces.ts';
import { PostingLists } from './posting-lists.ts';
import { ValueTable } from './value-table.ts';

// Which series carry which label: name -> value -> refs, rising.
//
//   __name__ ── up          [0, 4, 9]
//            └─ node_load1  [1, 5]
//   instance ── a:9100      [0, 1, 2]
//
// Lists are packed (posting-lists.ts), values are bytes (value-table.ts); text is made of them when somebody asks for all of them. In
// memory only, rebuilt from labels when a shard opens: a postings list on disk would say nothing the labels don't.

const ENCODER = new TextEncoder();

/** Values of one label, and the series that have them. */
export class LabelPostings {
  readonly name: number;
  readonly nameBytes: Uint8Array;
  readonly #lists: PostingLists;
  readonly #table: ValueTable;
  /** Of its values in the table, in order of first sight. */
  #indexes = new Uint32Array(4);
  #size = 0;
  /** The values as text, as far as they were asked for; gone when memory is wanted. */
  #texts: WeakRef<string[]> | undefined;
  /** What was added last, and its list. */
  #lastValue: string | undefined;
  lastRef = -1;
  lastList = -1;

  constructor(lists: PostingLists, table: ValueTable, name: number, nameBytes: Uint8Array) {
    this.#lists = lists;
    this.#table = table;
    this.name = name;
    this.nameBytes = nameBytes;
  }

  /** How many values there are. */
  get size(): number {
    return this.#size;
  }

  has(value: string): boolean {
    return this.listOf(value) !== undefined;
  }

  *values(): Iterable<string> {
    for (const [value] of this.lists()) yield value;
  }

  /** Each value with how many series have it. */
  *counts(): Iterable<[value: string, series: number]> {
    for (const [value, list] of this.lists()) yield [value, this.#lists.lengthOf(list)];
  }

  /** Each value with the number of its list. */
  *lists(): Iterable<readonly [value: string, list: number]> {
    const texts = this.#texts?.deref() ?? [];
    if (texts.length === 0) this.#texts = new WeakRef(texts);
    for (let i = 0; i < this.#size; i++) {
      const index = this.#indexes[i] as number;
      let text = texts[i];
      if (text === undefined) {
        const bytes = this.#table.bytesAt(index);
        text = decodeUtf8(bytes, 0, bytes.length);
        texts[i] = text;
      }
      yield [text, this.#table.listAt(index)];
    }
  }

  /** Number of a value's list. */
  listOf(value: string): number | undefined {
    const bytes = ENCODER.encode(value);
    const index = this.#table.find(this.name, bytes, 0, bytes.length);
    return index < 0 ? undefined : this.#table.listAt(index);
  }

  /** Rising, a copy. */
  refsOf(value: string): number[] | undefined {
    const list = this.listOf(value);
    return list === undefined ? undefined : this.#lists.refsOf(list);
  }

  /** Rising, a copy. */
  refsIn(list: number): number[] {
    return this.#lists.refsOf(list);
  }

  lengthOf(list: number): number {
    return this.#lists.lengthOf(list);
  }

  /** Requires a ref above all that have the value. */
  add(value: string, ref: number): void {
    if (value === this.#lastValue) {
      this.lastRef = ref;
      this.#lists.add(this.lastList, ref);
      return;
    }
    const bytes = ENCODER.encode(value);
    this.addBytes(bytes, 0, bytes.length, ref);
    this.#lastValue = value;
  }

  /** Requires a ref above all that have the value `bytes[start, end)`. */
  addBytes(bytes: Uint8Array, start: number, end: number, ref: number): void {
    const index = this.#table.find(this.name, bytes, start, end);
    let list: number;
    if (index >= 0) {
      list = this.#table.listAt(index);
      this.#lists.add(list, ref);
    } else {
      list = this.#lists.begin(ref);
      if (this.#size === this.#indexes.length) this.#grow();
      this.#indexes[this.#size++] = this.#table.add(this.name, bytes, start, end, list);
    }
    this.#lastValue = undefined;
    this.lastRef = ref;
    this.lastList = list;
  }

  #grow(): void {
    const wider = new Uint32Array(Math.ceil(this.#size * 1.25));
    wider.set(this.#indexes);
    this.#indexes = wider;
  }
}

export class Postings {
  readonly #lists = new PostingLists();
  readonly #table = new ValueTable();
  readonly #names = new Map<string, LabelPostings>();
  /** Names of the series added last, in order: the next one likely has the same. */
  readonly #expected: LabelPostings[] = [];
  /** The list of every ref that was added. */
  #all: number | undefined;

  get bytes(): number {
    return this.#lists.bytes + this.#table.bytes;
  }

  /** How many refs were added. */
  get count(): number {
    return this.#all === undefined ? 0 : this.#lists.lengthOf(this.#all);
  }

  /** Every ref that was added, rising. */
  refs(): number[] {
    return this.#all === undefined ? [] : this.#lists.refsOf(this.#all);
  }

  /** Adds a series whose labels are these pieces of `bytes`. Requires: refs are added in rising order. */
  add(ref: number, bytes: Uint8Array, pieces: LabelPieces): void {
    if (this.#all === undefined) this.#all = this.#lists.begin(ref);
    else this.#lists.add(this.#all, ref);
    for (let i = 0; i < pieces.count; i++) {
      const start = pieces.nameStarts[i] as number;
      const end = pieces.nameEnds[i] as number;
      let values = this.#expected[i];
      if (values === undefined || !bytesEqual(values.nameBytes, 0, values.nameBytes.length, bytes, start, end)) {
        values = this.of(decodeUtf8(bytes, start, end));
        this.#expected[i] = values;
      }
      values.addBytes(bytes, pieces.valueStarts[i] as number, pieces.valueEnds[i] as number, ref);
    }
  }

  get(name: string): LabelPostings | undefined {
    return this.#names.get(name);
  }

  names(): Iterable<string> {
    return this.#names.keys();
  }

  /** Those of a label, made if absent. */
  of(name: string): LabelPostings {
    let values = this.#names.get(name);
    if (values === undefined) {
      values = new LabelPostings(this.#lists, this.#table, this.#names.size, ENCODER.encode(name));
      this.#names.set(name, values);
    }
    return values;
  }
}

/** Refs in both of two rising lists. */
export function intersect(a: readonly number[], b: readonly number[]): number[] {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const out: number[] = [];
  // Galloping only pays when one list is far shorter; below a factor of 16 a plain walk touches less.
  if (long.length > short.length * 16) {
    let from = 0;
    for (const ref of short) {
      from = lowerBound(long, ref, from);
      if (long[from] === ref) out.push(ref);
    }
    return out;
  }
  let i = 0;
  let j = 0;
  while (i < short.length && j < long.length) {
    const x = short[i] as number;
    const y = long[j] as number;
    if (x === y) out.push(x);
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return out;
}

/** Refs in the first of two rising lists that are not in the second. */
export function subtract(from: readonly number[], unwanted: readonly number[]): number[] {
  const out: number[] = [];
  let j = 0;
  for (const ref of from) {
    while (j < unwanted.length && (unwanted[j] as number) < ref) j++;
    if (unwanted[j] !== ref) out.push(ref);
  }
  return out;
}

/** Refs in any of several rising lists, rising, each once. */
export function union(lists: readonly (readonly number[])[]): readonly number[] {
  if (lists.length === 0) return [];
  if (lists.length === 1) return lists[0] as readonly number[];
  let total = 0;
  for (const list of lists) total += list.length;
  const all = new Uint32Array(total);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  const out: number[] = [];
  for (let i = 0; i < total; i++) if (i === 0 || all[i] !== all[i - 1]) out.push(all[i] as number);
  return out;
}

function lowerBound(list: readonly number[], ref: number, from: number): number {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) < ref) low = middle + 1;
    else high = middle;
  }
  return low;
}
