import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

// What members of a group tell one another through the broker, in the form that consumers of Kafka agreed on, so that its
// tools can show who has what.
//
//   subscription := version i16 | topics of string | user data bytes | owned (1) | generation i32 (2)
//   assignment   := version i16 | partitions       | user data bytes
//   owned, partitions := array of (topic string | array of partition i32)
//
// Versions only add at the end. A subscription is written as version 2 and read as any; names are the broker's.

export interface OfTopic {
  readonly topic: string;
  readonly partition: number;
}

export interface Subscription {
  readonly topics: readonly string[];
  /** Of the assignment before. */
  readonly owned: readonly OfTopic[];
  /** The generation of that; -1: never had one. */
  readonly generation: number;
}

const SUBSCRIPTION_VERSION = 2;

export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  const out = new WireWriter();
  out.i16(SUBSCRIPTION_VERSION);
  out.array(topics, (topic) => out.string(topic));
  out.lengthPrefixed(null);
  writePartitions(out, owned);
  out.i32(generation);
  return out.view();
}

/** Throws `LOG_PROTOCOL`. */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const reader = new WireReader(bytes);
  const version = reader.i16();
  const topics = reader.array(() => reader.string(), 2);
  reader.lengthPrefixed();
  const owned = version >= 1 ? readPartitions(reader) : [];
  return { topics, owned, generation: version >= 2 ? reader.i32() : -1 };
}

export function encodeAssignment(partitions: readonly OfTopic[]): Buffer {
  const out = new WireWriter();
  out.i16(0);
  writePartitions(out, partitions);
  out.lengthPrefixed(null);
  return out.view();
}

/** Nothing at all reads as nothing assigned. Throws `LOG_PROTOCOL`. */
export function decodeAssignment(bytes: Uint8Array): readonly OfTopic[] {
  if (bytes.length === 0) return [];
  const reader = new WireReader(bytes);
  reader.i16();
  const partitions = readPartitions(reader);
  reader.lengthPrefixed();
  return partitions;
}

function writePartitions(out: WireWriter, partitions: readonly OfTopic[]): void {
  out.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, ofTopic]) => {
    out.string(topic);
    out.array(ofTopic, ({ partition }) => out.i32(partition));
  });
}

function readPartitions(reader: WireReader): OfTopic[] {
  const topics = reader.array(() => {
    const topic = reader.string();
    return reader.array(() => ({ topic, partition: reader.i32() }), 4);
  }, 6);
  return topics.flat();
}
