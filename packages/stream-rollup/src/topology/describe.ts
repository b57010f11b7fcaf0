import { unreachable } from '@tidemark/base';
import { parentsOf, resolveTopic, type TopologyNode } from './node.ts';
import type { SubTopology } from './sub-topology.ts';

/** The text of `Topology.describe`: that of Kafka's `TopologyDescription`, space by space. */
export function describeTopology(subs: readonly SubTopology[], topicPrefix: string): string {
  const parts = subs.map((sub) => {
    const lines = [`  Sub-topology: ${sub.index}`];
    for (const node of largestFirst(sub)) lines.push(...describeNode(sub, node, topicPrefix));
    return `${lines.join('\n')}\n\n`;
  });
  return `Topologies:\n ${parts.join('')}`;
}

/** By how much hangs below a node, every way counted; then by name. */
function largestFirst(sub: SubTopology): readonly TopologyNode[] {
  const sizes = new Map<string, number>();
  for (const { name } of [...sub.nodes].reverse()) {
    const children = sub.children.get(name) ?? [];
    sizes.set(
      name,
      children.reduce((sum, child) => sum + (sizes.get(child) ?? 0), 1),
    );
  }
  const sizeOf = ({ name }: TopologyNode) => sizes.get(name) ?? 0;
  return [...sub.nodes].sort((a, b) => sizeOf(b) - sizeOf(a) || (a.name < b.name ? -1 : 1));
}

function describeNode(sub: SubTopology, node: TopologyNode, prefix: string): readonly string[] {
  const lines = [`    ${headline(sub, node, prefix)}`];
  if (node.kind !== 'sink') lines.push(`      --> ${listed(sub.children.get(node.name) ?? [])}`);
  if (node.kind !== 'source') lines.push(`      <-- ${listed(parentsOf(node))}`);
  return lines;
}

function headline(sub: SubTopology, node: TopologyNode, prefix: string): string {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${listed(
        node.options.topics.map((topic) => resolveTopic(topic, prefix)),
        '',
      )}])`;
    case 'processor': {
      const stores = sub.stores.filter((store) => store.processors.includes(node.name));
      return `Processor: ${node.name} (stores: [${listed(
        stores.map((store) => store.builder.name),
        '',
      )}])`;
    }
    case 'sink':
      return `Sink: ${node.name} (topic: ${resolveTopic(node.options.topic, prefix)})`;
    default:
      return unreachable(node);
  }
}

function listed(names: readonly string[], none = 'none'): string {
  return names.length === 0 ? none : [...names].sort().join(', ');
}
