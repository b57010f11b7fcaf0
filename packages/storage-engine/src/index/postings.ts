import type { Labels } from '@tidemark/model';

// Which series carry which label: name -> value -> refs, rising.
//
//   __name__ ── up          [0, 4, 9]
//            └─ node_load1  [1, 5]
//   instance ── a:9100      [0, 1, 2]
//
// In memory only, rebuilt from labels when a shard opens: a postings list on disk would say nothing the labels don't.

export class Postings {
  readonly #names = new Map<string, Map<string, number[]>>();

  /** Requires: refs are added in rising order. */
  add(ref: number, labels: Labels): void {
    for (const { name, value } of labels) {
      let values = this.#names.get(name);
      if (values === undefined) {
        values = new Map();
        this.#names.set(name, values);
      }
      const list = values.get(value);
      if (list === undefined) values.set(value, [ref]);
      else list.push(ref);
    }
  }

  /** Puts a whole list, as a segment's index holds it. Requires it rising. */
  set(name: string, value: string, refs: number[]): void {
    let values = this.#names.get(name);
    if (values === undefined) {
      values = new Map();
      this.#names.set(name, values);
    }
    values.set(value, refs);
  }

  get(name: string): ReadonlyMap<string, readonly number[]> | undefined {
    return this.#names.get(name);
  }

  names(): Iterable<string> {
    return this.#names.keys();
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
