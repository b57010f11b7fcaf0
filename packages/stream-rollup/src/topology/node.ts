import { type TopicRole, topicName } from '@tidemark/model';
import type { Processor } from '../processor/processor.ts';
import type { SourceFacts, StreamRecord } from '../processor/record.ts';
import type { StoreBuilder } from '../state/store.ts';

// The nodes of a topology, as data. Nothing runs here: runtime/task-graph.ts makes them move.

/** A topic by its full name, or by its role in Tidemark; the prefix is known when the application starts. */
export type TopicRef = string | { readonly role: TopicRole };

export function resolveTopic(topic: TopicRef, prefix: string): string {
  return typeof topic === 'string' ? topic : topicName(topic.role, prefix);
}

/** Throws what it likes on bytes it does not understand; the error policy decides what then (runtime/error-policy.ts). */
export type Deserializer<T> = (bytes: Uint8Array, from: SourceFacts) => T;
/** Null is a tombstone. Must not keep the bytes. */
export type Serializer<T> = (value: T) => Uint8Array | null;
/** Where a record goes: in `[0, partitions)`. */
export type Partitioner<K, V> = (record: StreamRecord<K, V>, facts: PartitionFacts) => number;

export interface PartitionFacts {
  /** The record's key as bytes. */
  readonly key: Uint8Array | null;
  /** How many partitions the sink's topic has. */
  readonly partitions: number;
  /** The partition of the task that forwards the record. */
  readonly taskPartition: number;
}

export interface SourceOptions<K, V> {
  readonly topics: readonly TopicRef[];
  readonly deserializer: Deserializer<V>;
  /** Without one the key stays bytes or null. */
  readonly keyDeserializer?: Deserializer<K>;
  /** Whether records without a value are tombstones, taken with the value null; otherwise they are refused as `RECORD_EMPTY`. */
  readonly nullValues?: boolean;
  /** The time of a record, which moves stream time; by default when the log took it. */
  readonly timestampOf?: (value: V, from: SourceFacts) => number;
}

export interface SinkOptions<K, V> {
  readonly topic: TopicRef;
  readonly serializer: Serializer<V>;
  /** Without one the key must be bytes or null. */
  readonly keySerializer?: Serializer<K>;
  /** By default the record's own. */
  readonly headersOf?: (record: StreamRecord<K, V>) => Readonly<Record<string, string>>;
  /** By default a hash of the key; without a key, the partition of the task. */
  readonly partitioner?: Partitioner<K, V>;
}

export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>;

// Inside the graph the types of keys and values are erased: `unknown` between nodes, checked where the user wrote the node.
export interface SourceNode {
  readonly kind: 'source';
  readonly name: string;
  readonly options: SourceOptions<unknown, unknown>;
}

export interface ProcessorNode {
  readonly kind: 'processor';
  readonly name: string;
  readonly parents: readonly string[];
  readonly supplier: ProcessorSupplier<unknown, unknown, unknown, unknown>;
}

export interface SinkNode {
  readonly kind: 'sink';
  readonly name: string;
  readonly parents: readonly string[];
  readonly options: SinkOptions<unknown, unknown>;
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode;

export interface StoreNode {
  readonly builder: StoreBuilder;
  readonly processors: readonly string[];
}

export function parentsOf(node: TopologyNode): readonly string[] {
  return node.kind === 'source' ? [] : node.parents;
}
