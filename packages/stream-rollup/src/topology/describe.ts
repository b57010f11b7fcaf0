import { unreachable } from '@tidemark/base';
import { parentsOf, resolveTopic, type TopologyNode } from './node.ts';
import type { SubTopology } from './sub-topology.ts';

/** The text of `Topology.describe`: the layout of Kafka's `TopologyDescription`. */
export function describeTopology(subs: readonly SubTopology[], topicPrefix: string): string {
  const lines = ['Topologies:'];
  for (const sub of subs) {
    lines.push(`   Sub-topology: ${sub.index}`);
    for (const node of sub.nodes) lines.push(...describeNode(sub, node, topicPrefix));
  }
  return `${lines.join('\n')}\n`;
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
