import { TidemarkError } from '@tidemark/base';
import { parentsOf, resolveTopic, type StoreNode, type TopologyNode } from './node.ts';

/** Throws `TOPOLOGY_INVALID` for the first thing that does not hold together. */
export function validateTopology(
  nodes: ReadonlyMap<string, TopologyNode>,
  stores: ReadonlyMap<string, StoreNode>,
): void {
  if (![...nodes.values()].some((node) => node.kind === 'source')) {
    throw invalid('the topology has no source: nothing would ever be processed', {});
  }
  for (const node of nodes.values()) checkNode(nodes, node);
  checkTopics(nodes);
  for (const store of stores.values()) checkStore(nodes, store);
  checkCycles(nodes);
}

function checkNode(nodes: ReadonlyMap<string, TopologyNode>, node: TopologyNode): void {
  const { name } = node;
  if (name === '') throw invalid(`a ${node.kind} has an empty name`, {});
  if (node.kind === 'source') {
    if (node.options.topics.length === 0) throw invalid(`the source "${name}" names no topic`, { name });
    return;
  }
  if (node.parents.length === 0) throw invalid(`the ${node.kind} "${name}" has no parent`, { name });
  for (const parent of node.parents) {
    const found = nodes.get(parent);
    if (!found) {
      const known = [...nodes.keys()].join(', ');
      throw invalid(`the ${node.kind} "${name}" names the unknown parent "${parent}"; known: ${known}`, {
        name,
        parent,
      });
    }
    if (found.kind === 'sink') {
      throw invalid(`the ${node.kind} "${name}" has the sink "${parent}" as parent; sinks forward to topics only`, {
        name,
        parent,
      });
    }
  }
  if (new Set(node.parents).size !== node.parents.length) {
    throw invalid(`the ${node.kind} "${name}" names a parent twice`, { name });
  }
}

/** A topic read by two sources would be processed twice by one task, at one position. */
function checkTopics(nodes: ReadonlyMap<string, TopologyNode>): void {
  const readers = new Map<string, string>();
  for (const node of nodes.values()) {
    if (node.kind !== 'source') continue;
    for (const ref of node.options.topics) {
      const topic = resolveTopic(ref, 'tidemark');
      const other = readers.get(topic);
      if (other !== undefined) {
        throw invalid(`the topic ${topic} is read by the sources "${other}" and "${node.name}"; give one source both`, {
          topic,
        });
      }
      readers.set(topic, node.name);
    }
  }
}

function checkStore(nodes: ReadonlyMap<string, TopologyNode>, store: StoreNode): void {
  const { name } = store.builder;
  // The name becomes part of file names.
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)) {
    throw invalid(`the store "${name}" must be named with 1 to 100 of A-Z a-z 0-9 _ -`, { name });
  }
  if (store.processors.length === 0) throw invalid(`the store "${name}" belongs to no processor`, { name });
  for (const processor of store.processors) {
    if (nodes.get(processor)?.kind !== 'processor') {
      throw invalid(`the store "${name}" names "${processor}", which is no processor of this topology`, {
        name,
        processor,
      });
    }
  }
}

function checkCycles(nodes: ReadonlyMap<string, TopologyNode>): void {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    if (done.has(name)) return;
    const at = path.indexOf(name);
    if (at >= 0) {
      const cycle = [...path.slice(at), name].reverse().join(' --> ');
      throw invalid(`the topology runs in a circle: ${cycle}; a way back goes through a topic`, { name });
    }
    path.push(name);
    for (const parent of parentsOf(nodes.get(name) as TopologyNode)) visit(parent);
    path.pop();
    done.add(name);
  };
  for (const name of nodes.keys()) visit(name);
}

function invalid(message: string, details: Record<string, string>): TidemarkError {
  return new TidemarkError('TOPOLOGY_INVALID', message, details);
}
