import { expect, test } from 'vitest';
import { MEMBERS } from './plan.ts';
import { topologyOf } from './topology.ts';

const { nodes, edges } = topologyOf();

test('every member stands in the picture, and no two at one place', () => {
  const processes = nodes.filter(({ kind }) => kind === 'process').map(({ id }) => id);
  expect(processes.sort()).toEqual(MEMBERS.map(({ name }) => name).sort());
  expect(new Set(nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(nodes.length);
});

test('lines go from left to right, between what stands there, and nothing stands alone', () => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const { from, to } of edges) {
    expect(byId.get(from)?.x, `${from} to ${to}`).toBeLessThan(byId.get(to)?.x ?? Number.NaN);
  }
  const touched = new Set(edges.flatMap(({ from, to }) => [from, to]));
  expect(nodes.filter(({ id }) => !touched.has(id))).toEqual([]);
});

test('one nobody has placed is said', () => {
  const another = { ...(MEMBERS[0] as (typeof MEMBERS)[number]), name: 'store-c0' };
  expect(() => topologyOf([...MEMBERS, another])).toThrow('nobody said where store-c0 stands in the picture');
});
