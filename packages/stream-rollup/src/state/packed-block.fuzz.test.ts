import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { PackedBlock } from './packed-block.ts';
import { addPoint, SLOTS, SlotBlock } from './slot-block.ts';

/** By slot: `time=bits` of every point, and the highest offset. */
function contentOf(block: SlotBlock): string[] {
  return Array.from({ length: block.slots }, (_, slot) => {
    const start = block.starts[slot] as number;
    const points = Array.from({ length: block.counts[slot] as number }, (_, i) => start + i);
    const texts = points.map((i) => `${block.times[i]}=${block.words[i * 2 + 1]}:${block.words[i * 2]}`);
    return texts.length === 0 ? '' : `${block.highest[slot]} ${texts.join(' ')}`;
  });
}

const words = new Uint32Array(2);
const floats = new Float64Array(words.buffer);

/** Counters, gauges, constants, and bits of any kind. */
function nextBits(random: Random, kind: number): void {
  if (kind === 0) floats[0] = (floats[0] as number) + random.below(1000);
  else if (kind === 1) floats[0] = random.below(100_000) / 100;
  else if (kind === 2) words.fill(random.below(2) === 0 ? 0 : 0xffff_ffff);
  else if (kind === 3) words.set([random.below(2 ** 32), random.below(2 ** 32)]);
  else if (kind === 4) words[random.below(2)] = 1 << random.below(32);
}

function someBlock(random: Random): SlotBlock {
  const block = new SlotBlock(0);
  const perSlot = 1 + random.below(12);
  for (let slots = random.below(SLOTS + 1), slot = 0; slot < slots; slot++) {
    const kind = random.below(6);
    floats[0] = random.below(1_000_000);
    // In step with the slot before, mostly; some have no points.
    const begin = 1 + random.below(2) * 500;
    for (let i = random.below(10) === 0 ? 0 : perSlot; i > 0; i--) {
      nextBits(random, kind);
      const time = random.below(20) === 0 ? 1 + random.below(60_000) : begin + i * 5_000;
      addPoint(block, slot, Math.min(time, 65_535), words[0] as number, words[1] as number, random.below(2 ** 32));
    }
  }
  block.emitted = true;
  return block;
}

test('a block comes back as it was, whatever its bits, and takes points again', async () => {
  await withSeed('packed blocks', (random) => {
    const into = new SlotBlock(0);
    for (let round = 0; round < rounds(60); round++) {
      const block = someBlock(random);
      const before = contentOf(block);
      const packed = new PackedBlock(block);
      block.reset();
      block.words.fill(7);
      into.reset();
      packed.unpackInto(into);
      expect(contentOf(into)).toEqual(before);
      expect([into.emitted, into.dirtyCount, into.slots]).toEqual([true, 0, before.length]);
      const slot = random.below(SLOTS);
      addPoint(into, slot, 65_535, 1, 2, 3);
      const after = contentOf(into);
      for (let other = 0; other < before.length; other++) if (other !== slot) expect(after[other]).toBe(before[other]);
      expect(after[slot]).toContain('65535=2:1');
    }
  });
});

test('a scrape of counters and constants takes a quarter of what it took', () => {
  const block = new SlotBlock(SLOTS * 6);
  for (let slot = 0; slot < SLOTS; slot++) {
    for (let i = 0; i < 6; i++) {
      floats[0] = slot % 2 === 0 ? 5 : slot * 1000 + i * 17;
      addPoint(block, slot, 5_000 + i * 10_000, words[0] as number, words[1] as number, 41);
    }
  }
  block.emitted = true;
  expect(new PackedBlock(block).memoryBytes * 3.5).toBeLessThan(block.memoryBytes);
});
