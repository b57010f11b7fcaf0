import { ByteReader, ByteWriter } from '@tidemark/base';
import type { Serde } from './serde.ts';

// What flows below a table: what a key's value is now, and, where someone below asks for it, what it was.

export interface Change<V> {
  readonly next: V | null;
  /** Null too where nobody asked. */
  readonly before: V | null;
}

const HAS_NEXT = 1;
const HAS_BEFORE = 2;

/** `change := flags u8 | next bytes, if 1 | before bytes, if 2`: the form on repartition topics, which only this library reads. */
export function changeSerde<V>(value: Serde<V>): Serde<Change<V>> {
  return {
    serialize({ next, before }) {
      const writer = new ByteWriter(64);
      writer.u8((next === null ? 0 : HAS_NEXT) | (before === null ? 0 : HAS_BEFORE));
      if (next !== null) writer.lengthPrefixed(value.serialize(next));
      if (before !== null) writer.lengthPrefixed(value.serialize(before));
      return writer.finish();
    },
    deserialize(bytes) {
      const reader = new ByteReader(bytes);
      const flags = reader.u8();
      const next = flags & HAS_NEXT ? value.deserialize(reader.lengthPrefixed()) : null;
      const before = flags & HAS_BEFORE ? value.deserialize(reader.lengthPrefixed()) : null;
      return { next, before };
    },
  };
}

/** `nullable := 0 | 1 value`: topics that are not compacted take no nulls. */
export function nullableSerde<V>(value: Serde<V>): Serde<V | null> {
  return {
    serialize(given) {
      if (given === null) return Uint8Array.of(0);
      const bytes = value.serialize(given);
      const out = new Uint8Array(bytes.length + 1);
      out[0] = 1;
      out.set(bytes, 1);
      return out;
    },
    deserialize: (bytes) => (bytes[0] === 0 ? null : value.deserialize(bytes.subarray(1))),
  };
}
