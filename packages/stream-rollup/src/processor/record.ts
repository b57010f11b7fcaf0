// What flows through a topology.

export interface StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the record now processed came from. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a deserializer may know beside the bytes. */
export interface SourceFacts extends RecordMetadata {
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

export const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
