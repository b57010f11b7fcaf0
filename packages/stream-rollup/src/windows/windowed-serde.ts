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

/** `key bytes | endMs i64 big-endian | startMs i64 big-endian`: the form of Kafka Streams' session-windowed serde. */
export function sessionWindowedSerde<K>(key: Serde<K>): Serde<Windowed<K>> {
  return {
    serialize({ key: inner, window }) {
      const bytes = key.serialize(inner);
      const out = new Uint8Array(bytes.length + 16);
      out.set(bytes);
      const view = new DataView(out.buffer);
      view.setBigInt64(bytes.length, BigInt(window.endMs));
      view.setBigInt64(bytes.length + 8, BigInt(window.startMs));
      return out;
    },
    deserialize(bytes) {
      const at = bytes.length - 16;
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16);
      const window = { startMs: Number(view.getBigInt64(8)), endMs: Number(view.getBigInt64(0)) };
      return { key: key.deserialize(bytes.subarray(0, at)), window };
    },
  };
}
