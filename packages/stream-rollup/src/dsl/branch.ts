import type { DslGraph, Named } from './graph.ts';
import { branchStep, type Predicate, passThrough } from './operators.ts';
import type { KStream } from './stream.ts';

/** The branches of a split, in the order in which they are asked. Requires: branches are added before the topology is built. */
export class Branching<K, V> {
  readonly #graph: DslGraph;
  readonly #name: string;
  readonly #streamOf: (node: string) => KStream<K, V>;
  readonly #branches: { name: string; takes: Predicate<K, V> }[] = [];
  readonly #streams = new Map<string, KStream<K, V>>();

  constructor(graph: DslGraph, name: string, parent: string, streamOf: (node: string) => KStream<K, V>) {
    this.#graph = graph;
    this.#name = name;
    this.#streamOf = streamOf;
    graph.addProcessor(name, branchStep(this.#branches), [parent]);
  }

  /** Called after the splitter and the name given, or the branch's number from 1. */
  branch(takes: Predicate<K, V>, named: Named = {}): this {
    return this.#add(takes, named.name ?? `${this.#branches.length + 1}`);
  }

  /** What no branch takes; number 0. */
  defaultBranch(named: Named = {}): ReadonlyMap<string, KStream<K, V>> {
    this.#add(() => true, named.name ?? '0');
    return this.#streams;
  }

  /** What no branch takes goes nowhere. */
  noDefaultBranch(): ReadonlyMap<string, KStream<K, V>> {
    return this.#streams;
  }

  #add(takes: Predicate<K, V>, suffix: string): this {
    const name = `${this.#name}${suffix}`;
    // The branch takes a number, as in Kafka Streams, although its name shows none.
    this.#graph.names.node(name);
    this.#branches.push({ name, takes });
    this.#graph.addProcessor(name, passThrough(), [this.#name]);
    this.#streams.set(name, this.#streamOf(name));
    return this;
  }
}
