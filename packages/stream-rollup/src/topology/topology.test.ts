import { expect, test } from 'vitest';
import type { Processor } from '../processor/processor.ts';
import { createRollupTopology } from '../rollups/rollup-topology.ts';
import { memoryKeyValueStore } from '../state/memory-key-value.ts';
import { Topology } from './topology.ts';

const bytes = (value: Uint8Array) => value;
const nothing = (): Processor<unknown, unknown, unknown, unknown> => ({ process: () => undefined });
const source = { topics: ['in'], deserializer: bytes };
const sink = { topic: 'out', serializer: bytes };

function complaintOf(build: (topology: Topology) => unknown): string {
  try {
    const topology = new Topology();
    build(topology);
    topology.validate();
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOPOLOGY_INVALID' });
    return (error as Error).message;
  }
  return '';
}

const complaints: readonly [string, (topology: Topology) => unknown, RegExp][] = [
  ['no source', (t) => t.addProcessor('p', nothing, []), /no source/],
  ['a source without topics', (t) => t.addSource('s', { ...source, topics: [] }), /"s" names no topic/],
  ['an empty name', (t) => t.addSource('', source), /empty name/],
  ['a node twice', (t) => t.addSource('s', source).addProcessor('s', nothing, ['s']), /node "s" is added twice/],
  ['an unknown parent', (t) => t.addSource('s', source).addSink('x', sink, ['t']), /unknown parent "t"; known: s, x/],
  ['no parent', (t) => t.addSource('s', source).addProcessor('p', nothing, []), /"p" has no parent/],
  ['a parent twice', (t) => t.addSource('s', source).addSink('x', sink, ['s', 's']), /names a parent twice/],
  [
    'a sink as parent',
    (t) => t.addSource('s', source).addSink('x', sink, ['s']).addProcessor('p', nothing, ['x']),
    /the sink "x" as parent/,
  ],
  [
    'a circle',
    (t) => t.addSource('s', source).addProcessor('a', nothing, ['s', 'b']).addProcessor('b', nothing, ['a']),
    /circle: .*(a --> b --> a|b --> a --> b)/,
  ],
  ['a circle to itself', (t) => t.addSource('s', source).addProcessor('a', nothing, ['s', 'a']), /circle: a --> a/],
  [
    'a topic read twice',
    (t) => t.addSource('s', source).addSource('r', source),
    /in is read by the sources "s" and "r"/,
  ],
  [
    'a store of no processor',
    (t) => t.addSource('s', source).addStateStore(memoryKeyValueStore('k'), []),
    /"k" belongs to no processor/,
  ],
  [
    'a store of a sink',
    (t) => t.addSource('s', source).addSink('x', sink, ['s']).addStateStore(memoryKeyValueStore('k'), ['x']),
    /names "x", which is no processor/,
  ],
  [
    'a store twice',
    (t) => t.addStateStore(memoryKeyValueStore('k'), ['p']).addStateStore(memoryKeyValueStore('k'), ['p']),
    /store "k" is added twice/,
  ],
  [
    'a store with a name that is no file name',
    (t) => t.addSource('s', source).addProcessor('p', nothing, ['s']).addStateStore(memoryKeyValueStore('../k'), ['p']),
    /store "..\/k" must be named/,
  ],
];

test.each(complaints)('%s is refused', (_what, build, message) => {
  expect(complaintOf(build)).toMatch(message);
});

test('nodes may be added before their parents', () => {
  const topology = new Topology().addSink('x', sink, ['p']).addProcessor('p', nothing, ['s']).addSource('s', source);
  expect(topology.subTopologies().map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([['s', 'p', 'x']]);
});

test('what shares a node or a store is one sub-topology', () => {
  const topology = new Topology()
    .addSource('s1', { topics: ['a'], deserializer: bytes })
    .addSource('s2', { topics: ['b'], deserializer: bytes })
    .addSource('s3', { topics: ['c'], deserializer: bytes })
    .addProcessor('p1', nothing, ['s1'])
    .addProcessor('p2', nothing, ['s2'])
    .addStateStore(memoryKeyValueStore('shared'), ['p1', 'p2'])
    .addSink('x', sink, ['s3']);
  expect(topology.describe()).toBe(`Topologies:
   Sub-topology: 0
    Source: s1 (topics: [a])
      --> p1
    Source: s2 (topics: [b])
      --> p2
    Processor: p1 (stores: [shared])
      --> none
      <-- s1
    Processor: p2 (stores: [shared])
      --> none
      <-- s2

  Sub-topology: 1
    Source: s3 (topics: [c])
      --> x
    Sink: x (topic: out)
      <-- s3

`);
});

test('the rollup topology, as an operator reads it', () => {
  expect(createRollupTopology({ generation: 1 }).describe('acme')).toBe(`Topologies:
   Sub-topology: 0
    Source: raw (topics: [acme.raw])
      --> rollup
    Processor: rollup (stores: [clock, open-hours, open-windows])
      --> hours, minutes
      <-- raw
    Sink: hours (topic: acme.1h)
      <-- rollup
    Sink: minutes (topic: acme.1m)
      <-- rollup

  Sub-topology: 1
    Source: raw-critical (topics: [acme.raw-critical])
      --> rollup-critical
    Processor: rollup-critical (stores: [clock-critical, open-hours-critical, open-windows-critical])
      --> hours-critical, minutes-critical
      <-- raw-critical
    Sink: hours-critical (topic: acme.1h)
      <-- rollup-critical
    Sink: minutes-critical (topic: acme.1m)
      <-- rollup-critical

`);
});
