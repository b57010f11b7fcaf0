import type { Serde } from '../dsl/serde.ts';
import type { Windowed } from './time-windows.ts';

/** `key bytes | startMs i64 big-endian`: the form of Kafka Streams' time-windowed serde. The end is the size's to say. */
export function windowedSerde<K>(key: Serde<K>, sizeMs: number): Serde<Windowed<K>> {
  return {
    serialize({ key: inner, window }) {
      const bytes = key.serialize(inner);
      const out = new Uint8Array(bytes.length + 8);
      out.set(bytes);
      new DataView(out.buffer).setBigInt64(bytes.length, BigInt(window.startMs));
      return out;
    },
    deserialize(bytes) {
      const at = bytes.length - 8;
      const startMs = Number(new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigInt64(0));
      return { key: key.deserialize(bytes.subarray(0, at)), window: { startMs, endMs: startMs + sizeMs } };
    },
  };
}
