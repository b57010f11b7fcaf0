import type { Labels } from '@tidemark/model';
import { PostingLists } from './posting-lists.ts';

// Which series carry which label: name -> value -> refs, rising.
//
//   __name__ ── up          [0, 4, 9]
//            └─ node_load1  [1, 5]
//   instance ── a:9100      [0, 1, 2]
//
// Lists are packed (posting-lists.ts). In memory only, rebuilt from labels when a shard opens: a postings list on disk would say
// nothing the labels don't.

/** Values of one label, and the series that have them. */
export class LabelPostings {
  readonly #lists: PostingLists;
  readonly #numbers = new Map<string, number>();

  constructor(lists: PostingLists) {
    this.#lists = lists;
  }

  /** How many values there are. */
  get size(): number {
    return this.#numbers.size;
  }

  has(value: string): boolean {
    return this.#numbers.has(value);
  }

  values(): Iterable<string> {
    return this.#numbers.keys();
  }

  /** Each value with how many series have it. */
  *counts(): Iterable<[value: string, series: number]> {
    for (const [value, list] of this.#numbers) yield [value, this.#lists.lengthOf(list)];
  }

  /** Rising, a copy. */
  refsOf(value: string): number[] | undefined {
    const list = this.#numbers.get(value);
    return list === undefined ? undefined : this.#lists.refsOf(list);
  }

  /** Requires a ref above all that have the value. */
  add(value: string, ref: number): void {
    const list = this.#numbers.get(value);
    if (list === undefined) this.#numbers.set(value, this.#lists.begin(ref));
    else this.#lists.add(list, ref);
  }
}

export class Postings {
  readonly #lists = new PostingLists();
  readonly #names = new Map<string, LabelPostings>();
  /** The list of every ref that was added. */
  #all: number | undefined;

  get bytes(): number {
    return this.#lists.bytes;
  }

  /** How many refs were added. */
  get count(): number {
    return this.#all === undefined ? 0 : this.#lists.lengthOf(this.#all);
  }

  /** Every ref that was added, rising. */
  refs(): number[] {
    return this.#all === undefined ? [] : this.#lists.refsOf(this.#all);
  }

  /** Requires: refs are added in rising order. */
  add(ref: number, labels: Labels): void {
    if (this.#all === undefined) this.#all = this.#lists.begin(ref);
    else this.#lists.add(this.#all, ref);
    for (const { name, value } of labels) this.of(name).add(value, ref);
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
      values = new LabelPostings(this.#lists);
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
