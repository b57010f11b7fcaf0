import { must } from '@tidemark/base';
import { parentsOf, type SourceNode, type StoreNode, type TopicRef, type TopologyNode } from './node.ts';

// Nodes that are joined by an edge or share a store run together, one task a partition; parts that are not joined run
// apart, and meet on topics only.

export interface SubTopology {
  readonly index: number;
  /** Parents before children. */
  readonly nodes: readonly TopologyNode[];
  readonly stores: readonly StoreNode[];
  readonly children: ReadonlyMap<string, readonly string[]>;
}

/** Requires a valid graph. Numbered in the order in which their sources were added. */
export function subTopologiesOf(
  nodes: ReadonlyMap<string, TopologyNode>,
  stores: ReadonlyMap<string, StoreNode>,
): readonly SubTopology[] {
  const groupOf = groupNodes(nodes, stores);
  const groups = new Map<string, TopologyNode[]>();
  for (const node of parentsFirst(nodes)) {
    const group = must(groupOf(node.name));
    const members = groups.get(group);
    if (members) members.push(node);
    else groups.set(group, [node]);
  }
  return [...groups.values()].map((members, index) => {
    const names = new Set(members.map((node) => node.name));
    return {
      index,
      nodes: members,
      stores: [...stores.values()].filter((store) => names.has(must(store.processors[0]))),
      children: childrenOf(members),
    };
  });
}

export function sourcesOf(sub: SubTopology): readonly SourceNode[] {
  return sub.nodes.filter((node) => node.kind === 'source');
}

export function sourceTopicsOf(sub: SubTopology): readonly TopicRef[] {
  return sourcesOf(sub).flatMap((source) => source.options.topics);
}

/** Union-find over names; returns the name of the group's first node. */
function groupNodes(nodes: ReadonlyMap<string, TopologyNode>, stores: ReadonlyMap<string, StoreNode>) {
  const leader = new Map<string, string>();
  for (const name of nodes.keys()) leader.set(name, name);
  const find = (name: string): string => {
    const next = must(leader.get(name));
    return next === name ? name : find(next);
  };
  const join = (a: string, b: string) => leader.set(find(b), find(a));
  for (const node of nodes.values()) for (const parent of parentsOf(node)) join(parent, node.name);
  for (const store of stores.values()) for (const name of store.processors) join(must(store.processors[0]), name);
  return find;
}

function parentsFirst(nodes: ReadonlyMap<string, TopologyNode>): readonly TopologyNode[] {
  const ordered = new Set<TopologyNode>();
  const visit = (node: TopologyNode): void => {
    if (ordered.has(node)) return;
    for (const parent of parentsOf(node)) visit(must(nodes.get(parent)));
    ordered.add(node);
  };
  for (const node of nodes.values()) if (node.kind === 'source') visit(node);
  for (const node of nodes.values()) visit(node);
  return [...ordered];
}

function childrenOf(nodes: readonly TopologyNode[]): ReadonlyMap<string, readonly string[]> {
  const children = new Map<string, string[]>(nodes.map((node) => [node.name, []]));
  for (const node of nodes) for (const parent of parentsOf(node)) must(children.get(parent)).push(node.name);
  return children;
}
