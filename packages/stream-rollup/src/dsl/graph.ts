import { hash32 } from '@tidemark/base';
import type { SourceFacts, StreamRecord } from '../processor/record.ts';
import type { KeyValueKind } from '../state/durable-key-value.ts';
import type { StoreBuilder } from '../state/store.ts';
import { Topology } from '../topology/topology.ts';
import { isGenerated, NodeNames, REPARTITION_SUFFIX } from './names.ts';
import { filterStep, type Supplier } from './operators.ts';
import { needSerde, type Serde, type SerdePair } from './serde.ts';

// What streams and tables are written into: a topology under construction, with one counter of names.
//
// The time of a record is its event's, and topics of the log keep when they took a record. So sinks write the time into a header,
// and sources take it from there: `event-time`, milliseconds in decimal. Without it a record's time is when the log took it.

export const EVENT_TIME_HEADER = 'event-time';

export type TimestampExtractor<V> = (value: V, from: SourceFacts) => number;

/** How a table's store is called and kept. Without a name it is the library's own, and may be left out where nobody needs it. */
export interface Materialized<K, V> extends SerdePair<K, V> {
  readonly name?: string;
  /** `level`: LevelDB. `memory`: a map, written whole at every checkpoint: for some megabytes. */
  readonly kind?: KeyValueKind;
}

export interface Named {
  /** Of the node; generated when absent. */
  readonly name?: string;
}

interface PlannedStore {
  readonly builder: StoreBuilder;
  readonly isNeeded: () => boolean;
  readonly processors: Set<string>;
}

export class DslGraph {
  readonly names = new NodeNames();
  readonly #topology = new Topology();
  readonly #stores = new Map<string, PlannedStore>();
  #isBuilt = false;

  addSource<K, V>(
    name: string,
    topics: readonly string[],
    serdes: SerdePair<K, V>,
    timestampExtractor?: TimestampExtractor<V>,
  ): void {
    const key = needSerde(serdes.key, 'keys', name);
    const value = needSerde(serdes.value, 'values', name);
    this.#topology.addSource<K, V>(name, {
      topics,
      nullValues: true,
      keyDeserializer: (bytes) => key.deserialize(bytes),
      deserializer: (bytes) => value.deserialize(bytes),
      timestampOf: timestampExtractor ?? ((_value, from) => eventTimeOf(from)),
    });
  }

  addProcessor(name: string, supplier: Supplier, parents: readonly string[], stores: readonly string[] = []): void {
    this.#topology.addProcessor(name, supplier, parents);
    for (const store of stores) this.#stores.get(store)?.processors.add(name);
  }

  addSink<K, V>(name: string, topic: string, serdes: SerdePair<K, V>, parent: string): void {
    const key = needSerde(serdes.key, 'keys', name);
    const value = needSerde(serdes.value, 'values', name);
    this.#topology.addSink<K, V>(
      name,
      {
        topic,
        keySerializer: (given) => (given === null || given === undefined ? null : key.serialize(given)),
        serializer: (given) => (given === null || given === undefined ? null : value.serialize(given)),
        headersOf: withEventTime,
        partitioner: (_record, facts) =>
          facts.key ? hash32(facts.key) % facts.partitions : facts.taskPartition % facts.partitions,
      },
      [parent],
    );
  }

  addStore(builder: StoreBuilder, isNeeded: () => boolean = () => true): void {
    this.#stores.set(builder.name, { builder, isNeeded, processors: new Set() });
  }

  /** By way of a topic of the library's own, so that equal keys meet in one task. Returns the name of the source behind it. */
  addRepartition<K, V>(prefix: string, serdes: SerdePair<K, V>, parent: string): string {
    const topic = `${prefix}${REPARTITION_SUFFIX}`;
    const nameOf = (kind: string, suffix: string) => {
      const generated = this.names.node(`KSTREAM-${kind}-`);
      return isGenerated(prefix) ? generated : `${topic}-${suffix}`;
    };
    const sink = nameOf('SINK', 'sink');
    const filter = nameOf('FILTER', 'filter');
    const source = nameOf('SOURCE', 'source');
    // A record without a key belongs to no group.
    this.addProcessor(
      filter,
      filterStep((key) => key !== null && key !== undefined, false),
      [parent],
    );
    this.addInternalTopic(sink, source, topic, serdes, filter);
    return source;
  }

  addInternalTopic<K, V>(sink: string, source: string, topic: string, serdes: SerdePair<K, V>, parent: string): void {
    this.#topology.addInternalTopic(topic);
    this.addSink(sink, topic, serdes, parent);
    this.addSource(source, [topic], serdes);
  }

  build(): Topology {
    if (this.#isBuilt) return this.#topology;
    this.#isBuilt = true;
    for (const { builder, isNeeded, processors } of this.#stores.values()) {
      if (isNeeded()) this.#topology.addStateStore(builder, [...processors]);
    }
    this.#topology.validate();
    return this.#topology;
  }
}

function eventTimeOf({ headers, timestampMs }: SourceFacts): number {
  const text = headers[EVENT_TIME_HEADER];
  return text === undefined ? timestampMs : Number(text);
}

function withEventTime({ headers, timestampMs }: StreamRecord<unknown, unknown>): Readonly<Record<string, string>> {
  return { ...headers, [EVENT_TIME_HEADER]: `${timestampMs}` };
}

export function pairOf<K, V>(key: Serde<K> | undefined, value: Serde<V> | undefined): SerdePair<K, V> {
  return { key, value };
}
