import { seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { type Fault, planFaults } from './faults.ts';

const SESSION_MS = 6000;
const WORLDS = 500;
const worlds = Array.from({ length: WORLDS }, (_, seed) => planFaults(seededRandom(seed), SESSION_MS, 2));

/** store-1 and store-0 are one class. */
const classOf = (fault: Fault) =>
  fault.kind === 'broker' ? 'broker' : `${fault.kind} ${fault.victim.replace(/-\d$/, '')}`;

const CLASSES = ['broker', 'kill notify', 'kill rollup', 'kill spread', 'kill store', 'stop spread'];
test('every world begins with one fault of each class, and goes on with any', () => {
  for (const faults of worlds) {
    expect(faults.slice(0, CLASSES.length).map(classOf).sort()).toEqual(CLASSES);
    expect(faults).toHaveLength(CLASSES.length + 2);
  }
});

test('each class comes first in some world, and behind each other one', () => {
  const pairs = new Set(worlds.map((faults) => faults.slice(0, 2).map(classOf).join(', ')));
  expect(pairs.size).toBe(CLASSES.length * (CLASSES.length - 1));
});

test('whoever can be harmed is, in some world', () => {
  const harmed = new Set(
    worlds.flat().map((fault) => (fault.kind === 'broker' ? '' : `${fault.kind} ${fault.victim}`)),
  );
  for (const name of [
    'store-0',
    'store-1',
    'rollup-0',
    'rollup-1',
    'spread-0',
    'spread-1',
    'notify',
    'rules',
    'ingest',
  ])
    for (const kind of ['kill', 'stop']) expect(harmed).toContain(`${kind} ${name}`);
});

test('a stop outlasts the session', () => {
  const stopped = worlds.flat().map((fault) => (fault.kind === 'stop' ? fault.stoppedMs : Number.POSITIVE_INFINITY));
  expect(Math.min(...stopped)).toBeGreaterThan(SESSION_MS);
});

test('a seed is a world', () => {
  expect(planFaults(seededRandom(7), SESSION_MS, 2)).toEqual(worlds[7]);
});
