import { TidemarkError } from '@tidemark/base';
import type { StoreBuilder } from '../state/store.ts';
import { describeTopology } from './describe.ts';
import type {
  ProcessorNode,
  ProcessorSupplier,
  SinkNode,
  SinkOptions,
  SourceNode,
  SourceOptions,
  StoreNode,
  TopicRef,
  TopologyNode,
} from './node.ts';
import { type SubTopology, subTopologiesOf } from './sub-topology.ts';
import { validateTopology } from './validate.ts';

// A graph of sources, processors and sinks, built by name.
//
//   topic --> (source) --> [processor]--+--> [processor] --> (sink) --> topic
//                              |        +--> (sink) --> topic
//                           {store}
//
// Nodes may be added in any order; `validate` (called by everything that uses the graph) says what does not hold together.

export class Topology {
  readonly #nodes = new Map<string, TopologyNode>();
  readonly #stores = new Map<string, StoreNode>();
  readonly #internalTopics = new Set<string>();

  addSource<K = Uint8Array | null, V = unknown>(name: string, options: SourceOptions<K, V>): this {
    // The cast forgets what K and V are: the deserializers made them, and only this source's children get them.
    return this.#add({ kind: 'source', name, options: options as unknown as SourceNode['options'] });
  }

  addProcessor<KIn, VIn, KOut, VOut>(
    name: string,
    supplier: ProcessorSupplier<KIn, VIn, KOut, VOut>,
    parents: readonly string[],
  ): this {
    return this.#add({
      kind: 'processor',
      name,
      parents,
      supplier: supplier as unknown as ProcessorNode['supplier'],
    });
  }

  /** A store belongs to the processors named; those that share one are in one sub-topology. */
  addStateStore(builder: StoreBuilder, processors: readonly string[]): this {
    if (this.#stores.has(builder.name)) throw duplicate('store', builder.name);
    this.#stores.set(builder.name, { builder, processors });
    return this;
  }

  addSink<K = Uint8Array | null, V = unknown>(
    name: string,
    options: SinkOptions<K, V>,
    parents: readonly string[],
  ): this {
    return this.#add({ kind: 'sink', name, parents, options: options as unknown as SinkNode['options'] });
  }

  /**
   * A topic between parts of this topology and nobody else's: it is called after the application, and made with as many partitions
   * as its sources have.
   */
  addInternalTopic(topic: string): this {
    this.#internalTopics.add(topic);
    return this;
  }

  get internalTopics(): readonly string[] {
    return [...this.#internalTopics];
  }

  /** Throws `TOPOLOGY_INVALID`: the message names the node and what is wrong with it. */
  validate(): void {
    validateTopology(this.#nodes, this.#stores);
  }

  /**
   * The parts that share neither node nor store, each with tasks of its own. With `application` internal topics have the names
   * they have on the log. Throws `TOPOLOGY_INVALID`.
   */
  subTopologies(application?: string): readonly SubTopology[] {
    this.validate();
    if (application === undefined) return subTopologiesOf(this.#nodes, this.#stores);
    const nodes = [...this.#nodes].map(([name, node]) => [name, this.#onTheLog(node, application)] as const);
    return subTopologiesOf(new Map(nodes), this.#stores);
  }

  /** The graph as text, in the form Kafka Streams users know. Throws `TOPOLOGY_INVALID`. */
  describe(topicPrefix = 'tidemark'): string {
    return describeTopology(this.subTopologies(), topicPrefix);
  }

  #onTheLog(node: TopologyNode, application: string): TopologyNode {
    const named = (topic: TopicRef) =>
      typeof topic === 'string' && this.#internalTopics.has(topic) ? internalTopicName(topic, application) : topic;
    switch (node.kind) {
      case 'source':
        return { ...node, options: { ...node.options, topics: node.options.topics.map(named) } };
      case 'sink':
        return { ...node, options: { ...node.options, topic: named(node.options.topic) } };
      default:
        return node;
    }
  }

  #add(node: TopologyNode): this {
    if (this.#nodes.has(node.name)) throw duplicate('node', node.name);
    this.#nodes.set(node.name, node);
    return this;
  }
}

export function internalTopicName(topic: string, application: string): string {
  return `${application}-${topic}`;
}

function duplicate(kind: string, name: string): TidemarkError {
  return new TidemarkError('TOPOLOGY_INVALID', `the ${kind} "${name}" is added twice; names are unique`, { name });
}
