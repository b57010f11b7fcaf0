import { assert, must } from '@tidemark/base';
import { partitionUnknown, topicUnknown } from '../errors.ts';
import type { TopicPartition, TopicSpec } from '../log.ts';
import type { CompactedStore } from './compacted-store.ts';
import type { Materialised, NumberedTopic, Snapshot } from './control-body.ts';
import { type FrameReader, Partition, type Topic } from './partition.ts';
import { Positions } from './positions.ts';

/** What the journal's frames add up to: topics with their partitions, positions, accounts of compacted stores. */
export class Catalog {
  readonly positions: Positions;
  /** As the journal says they are; the stores may be ahead. */
  readonly materialised = new Map<number, Materialised>();
  readonly stores = new Map<number, CompactedStore>();
  /** The highest epoch given to a producer. One count for all: every id's rises, and none need be remembered. */
  lastEpoch = 0;
  /** Below this no partition of a new topic begins: a topic that was lost may have come so far. */
  newTopicsFrom = 0;
  readonly #frames: FrameReader;
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<number, Topic>();

  constructor(frames: FrameReader, groupsMax: number) {
    this.#frames = frames;
    this.positions = new Positions(groupsMax);
  }

  add({ id, spec }: NumberedTopic, bounds?: readonly { readonly start: number; readonly end: number }[]): Topic {
    assert(!this.#byId.has(id) && !this.#byName.has(spec.name), 'a topic is added once');
    const partitions = Array.from({ length: spec.partitions }, (_, partition) => {
      const at = { topic: spec.name, partition };
      const here = bounds?.[partition] ?? { start: this.newTopicsFrom, end: this.newTopicsFrom };
      return new Partition(at, id, here, this.#frames, () => this.stores.get(id));
    });
    const topic = { id, spec, partitions };
    this.#byName.set(spec.name, topic);
    this.#byId.set(id, topic);
    return topic;
  }

  get topics(): IterableIterator<Topic> {
    return this.#byId.values();
  }

  get nextId(): number {
    return Math.max(0, ...this.#byId.keys()) + 1;
  }

  nextEpoch(): number {
    return ++this.lastEpoch;
  }

  find(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  byId(id: number): Topic | undefined {
    return this.#byId.get(id);
  }

  /** Throws `LOG_TOPIC_UNKNOWN`. */
  topic(name: string): Topic {
    const topic = this.#byName.get(name);
    if (!topic) throw topicUnknown(name);
    return topic;
  }

  /** Throws `LOG_TOPIC_UNKNOWN`, `LOG_PARTITION_UNKNOWN`. */
  partition(at: TopicPartition): Partition {
    const { partitions } = this.topic(at.topic);
    const partition = partitions[at.partition];
    if (!partition) throw partitionUnknown(at, partitions.length);
    return partition;
  }

  spec(partition: Partition): TopicSpec {
    return must(this.#byId.get(partition.topicId)).spec;
  }

  snapshot(previous: { readonly number: number; readonly length: number }): Snapshot {
    return {
      previousNumber: previous.number,
      previousLength: previous.length,
      topics: [...this.#byId.values()].map(({ id, spec, partitions }) => ({
        id,
        spec,
        bounds: partitions.map(({ start, end }) => ({ start, end })),
      })),
      positions: this.positions.snapshot(),
      materialised: [...this.materialised.values()],
      lastEpoch: this.lastEpoch,
      newTopicsFrom: this.newTopicsFrom,
    };
  }
}
