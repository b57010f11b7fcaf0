import { ByteReader, type ByteWriter, bytesEqual } from '@tidemark/base';

// Which series of a segment carry which label, from the bytes of their labels. Neighbours have most labels in common: a name and a
// value that are those of the series before are found by comparing bytes, and only others are looked up.
//
//   name  := name text | values uvarint | (value text | refs uvarint | ref uvarint (distance)*)*         both by their bytes
//
// Texts are kept with a character a byte (latin1): made faster than from UTF-8, and they sort as their bytes do.

interface NamePostings {
  readonly name: string;
  readonly values: Map<string, number[]>;
  /** Of the series before that had it. */
  last:
    | { readonly bytes: Uint8Array; readonly start: number; readonly end: number; readonly refs: number[] }
    | undefined;
}

export class PostingsWriter {
  readonly #names = new Map<string, NamePostings>();
  /** Names of the series before, as they stand in its labels. */
  #before: { readonly start: number; readonly end: number; readonly postings: NamePostings }[] = [];
  #beforeBytes: Uint8Array = new Uint8Array(0);

  /** Requires refs to rise, and labels that stay as they are. */
  add(ref: number, labels: Uint8Array): void {
    const reader = new ByteReader(labels);
    const names: { start: number; end: number; postings: NamePostings }[] = [];
    while (reader.left > 0) {
      const nameLength = reader.uvarint();
      const nameStart = reader.at;
      reader.skip(nameLength);
      const nameEnd = reader.at;
      const postings = this.#named(names.length, labels, nameStart, nameEnd);
      names.push({ start: nameStart, end: nameEnd, postings });
      const valueLength = reader.uvarint();
      const start = reader.at;
      reader.skip(valueLength);
      refsOf(postings, labels, start, reader.at).push(ref);
    }
    this.#before = names;
    this.#beforeBytes = labels;
  }

  write(into: ByteWriter): void {
    into.uvarint(this.#names.size);
    for (const [name, { values }] of sorted(this.#names)) {
      into.lengthPrefixed(Buffer.from(name, 'latin1'));
      into.uvarint(values.size);
      for (const [value, refs] of sorted(values)) {
        into.lengthPrefixed(Buffer.from(value, 'latin1'));
        into.uvarint(refs.length);
        let last = 0;
        for (const ref of refs) {
          into.uvarint(ref - last);
          last = ref;
        }
      }
    }
  }

  #named(place: number, labels: Uint8Array, start: number, end: number): NamePostings {
    const before = this.#before[place];
    if (before !== undefined && bytesEqual(this.#beforeBytes, before.start, before.end, labels, start, end))
      return before.postings;
    const name = textOf(labels, start, end);
    let postings = this.#names.get(name);
    if (postings === undefined) {
      postings = { name, values: new Map(), last: undefined };
      this.#names.set(name, postings);
    }
    return postings;
  }
}

function refsOf(postings: NamePostings, labels: Uint8Array, start: number, end: number): number[] {
  const { last } = postings;
  if (last !== undefined && bytesEqual(last.bytes, last.start, last.end, labels, start, end)) return last.refs;
  const value = textOf(labels, start, end);
  let refs = postings.values.get(value);
  if (refs === undefined) {
    refs = [];
    postings.values.set(value, refs);
  }
  postings.last = { bytes: labels, start, end, refs };
  return refs;
}

function textOf({ buffer, byteOffset }: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1');
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
