import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { LabelPool } from './label-pool.ts';
import { LABEL_BYTES_MAX, type LabelPage, PAGE_BYTES, SharedLabels } from './shared-labels.ts';

/** Shared labels whose pages go when told to: the newest, which is being filled, and those in use stay. */
class World {
  readonly pages: LabelPage[] = [];
  readonly gone = new Set<LabelPage>();
  readonly shared = new SharedLabels((page) => {
    this.pages.push(page);
    return { deref: () => (this.gone.has(page) ? undefined : page) };
  });

  collect(pools: Iterable<Told>): void {
    const used = new Set<ArrayBufferLike>();
    for (const { pool } of pools) for (let ref = 0; ref < pool.count; ref++) used.add(pool.labelBytes(ref).buffer);
    for (const page of this.pages.slice(0, -1)) if (!used.has(page.bytes.buffer)) this.gone.add(page);
  }

  get held(): number {
    return this.pages.length - this.gone.size;
  }
}

/** A pool beside what it was told, by ref. */
interface Told {
  readonly pool: LabelPool;
  readonly labels: Uint8Array[];
}

function add({ pool, labels }: Told, bytes: Uint8Array): void {
  // Not at the beginning of their buffer: labels come in the middle of a section.
  const around = new Uint8Array(bytes.length + 2);
  around.set(bytes, 1);
  expect(pool.add(around, 1, 1 + bytes.length)).toBe(labels.length);
  labels.push(bytes);
}

function check({ pool, labels }: Told): void {
  expect(pool.count).toBe(labels.length);
  labels.forEach((bytes, ref) => {
    if (!Buffer.from(bytes).equals(pool.labelBytes(ref))) throw new Error(`labels of ref ${ref} are others`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!pool.equals(ref, view, 0, bytes.length)) throw new Error(`ref ${ref} does not know its labels`);
  });
}

function someLabels(random: Random): Uint8Array {
  const length = random.below(12) === 0 ? random.below(40_000) : 1 + random.below(300);
  // Few first bytes, so that pools meet the same labels again.
  return new Uint8Array(length).fill(random.below(40));
}

/** Copies the living into a successor, as forgetting does. */
function renewed(from: Told, living: Uint8Array): Told {
  const into: Told = { pool: from.pool.successor(living), labels: [] };
  from.labels.forEach((bytes, ref) => {
    if (living[ref] === 1) add(into, bytes);
  });
  return into;
}

test('pools that come, grow, forget and go keep what they were told, whatever pages go meanwhile', async () => {
  await withSeed('shared labels', (random) => {
    for (let round = 0; round < rounds(5); round++) {
      const world = new World();
      const pools = new Map<number, Told>();
      for (let step = 0; step < 120; step++) {
        const tier = random.below(3);
        const told = pools.get(tier);
        const what = random.below(10);
        if (told === undefined) pools.set(tier, { pool: new LabelPool(world.shared), labels: [] });
        else if (what < 6) for (let i = random.below(120); i > 0; i--) add(told, someLabels(random));
        else if (what === 6) pools.delete(tier);
        else if (what === 7) {
          const share = random.below(5);
          pools.set(
            tier,
            renewed(
              told,
              Uint8Array.from(told.labels, () => (random.below(4) < share ? 1 : 0)),
            ),
          );
        } else world.collect(pools.values());
        if (step % 10 === 0) for (const each of pools.values()) check(each);
      }
      for (const each of pools.values()) check(each);
    }
  });
});

const numbered = (i: number) => new TextEncoder().encode(`series ${i} ${'x'.repeat(90)}`);

function poolOf(world: World, count: number): Told {
  const told: Told = { pool: new LabelPool(world.shared), labels: [] };
  for (let i = 0; i < count; i++) add(told, numbered(i));
  return told;
}

test('labels of three tiers lie in memory once', () => {
  const world = new World();
  const [raw, minutes, hours] = [poolOf(world, 20_000), poolOf(world, 20_000), poolOf(world, 20_000)];
  for (const told of [raw, minutes, hours]) check(told);
  for (let ref = 0; ref < 20_000; ref += 999) {
    const { buffer, byteOffset } = raw.pool.labelBytes(ref);
    expect(minutes.pool.labelBytes(ref).buffer).toBe(buffer);
    expect(hours.pool.labelBytes(ref).byteOffset).toBe(byteOffset);
  }
  expect(world.held).toBe(Math.ceil(raw.pool.bytes / PAGE_BYTES));
});

test('what the tiers forget leaves memory when the last has forgotten it, and they share again', () => {
  const world = new World();
  let tiers = [poolOf(world, 20_000), poolOf(world, 20_000), poolOf(world, 20_000)];
  const before = world.held;
  // The living are spread over all pages.
  tiers = tiers.map((told) =>
    renewed(
      told,
      Uint8Array.from(told.labels, (_, ref) => (ref % 10 === 0 ? 1 : 0)),
    ),
  );
  world.collect(tiers);
  for (const told of tiers) check(told);
  expect(world.held).toBeLessThan(before / 4);
  expect(tiers[0]?.pool.labelBytes(7).buffer).toBe(tiers[2]?.pool.labelBytes(7).buffer);
});

test('pages that are mostly alive are not copied', () => {
  const world = new World();
  const before = poolOf(world, 20_000);
  const held = world.held;
  check(
    renewed(
      before,
      Uint8Array.from(before.labels, (_, ref) => (ref % 4 === 0 ? 0 : 1)),
    ),
  );
  expect(world.held).toBe(held);
});

test('numbers of pages that are gone are used again', () => {
  const world = new World();
  for (let life = 0; life < 40; life++) {
    const told: Told = { pool: new LabelPool(world.shared), labels: [] };
    for (let i = 0; i < 6_000; i++) add(told, numbered(life * 6_000 + i));
    check(told);
    world.collect([]);
  }
  expect(Math.max(...world.pages.map(({ number }) => number))).toBeLessThan(world.pages.length / 2);
});

test('the longest labels and none at all', () => {
  const world = new World();
  const told: Told = { pool: new LabelPool(world.shared), labels: [] };
  for (const length of [LABEL_BYTES_MAX, 0, 1, LABEL_BYTES_MAX - 1, LABEL_BYTES_MAX]) add(told, new Uint8Array(length));
  check(told);
});
