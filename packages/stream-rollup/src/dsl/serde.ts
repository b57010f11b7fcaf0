import { TidemarkError } from '@tidemark/base';

// Keys and values as bytes. The forms are those of Kafka's own serdes of the same names, so that other programs read them.

/** `deserialize` throws what it likes on bytes it does not understand; nulls never reach a serde. */
export interface Serde<T> {
  serialize(value: T): Uint8Array;
  deserialize(bytes: Uint8Array): T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const Serdes = {
  /** UTF-8. */
  string: { serialize: (text) => encoder.encode(text), deserialize: (bytes) => decoder.decode(bytes) } as Serde<string>,
  bytes: { serialize: (bytes) => bytes, deserialize: (bytes) => bytes.slice() } as Serde<Uint8Array>,
  /** 8 bytes, big-endian, signed; whole numbers up to 2^53. */
  long: {
    serialize(value) {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
      return bytes;
    },
    deserialize: (bytes) => Number(viewOf(bytes, 'long').getBigInt64(0)),
  } as Serde<number>,
  /** 8 bytes, big-endian, IEEE 754. */
  double: {
    serialize(value) {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, value);
      return bytes;
    },
    deserialize: (bytes) => viewOf(bytes, 'double').getFloat64(0),
  } as Serde<number>,
  /** What JSON can say. The type is the caller's claim: nothing checks it. */
  json: <T>(): Serde<T> => ({
    serialize: (value) => encoder.encode(JSON.stringify(value)),
    deserialize: (bytes) => JSON.parse(decoder.decode(bytes)) as T,
  }),
} as const;

function viewOf(bytes: Uint8Array, what: string): DataView {
  if (bytes.length === 8) return new DataView(bytes.buffer, bytes.byteOffset, 8);
  throw new TidemarkError('SERDE_LENGTH', `a ${what} has 8 bytes, these are ${bytes.length}`, { length: bytes.length });
}

/** Serdes of a stream or table; what is missing is a complaint only where bytes are needed. */
export interface SerdePair<K, V> {
  readonly key?: Serde<K> | undefined;
  readonly value?: Serde<V> | undefined;
}

/** Throws `DSL_SERDE_MISSING`. */
export function needSerde<T>(serde: Serde<T> | undefined, what: string, where: string): Serde<T> {
  if (serde) return serde;
  throw new TidemarkError('DSL_SERDE_MISSING', `${where} needs a serde for its ${what}, and none was given`, {
    where,
    what,
  });
}
