import { isTidemarkError, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { expect, test } from 'vitest';
import {
  decodeCheckpoint,
  listCheckpoints,
  readCheckpoint,
  readCheckpointHeader,
  writeCheckpoint,
} from './checkpoint-file.ts';
import type { CheckpointHeader } from './format.ts';

const header = (generation: number): CheckpointHeader => ({
  tier: 'raw',
  topic: 'tidemark.raw',
  partition: 1,
  generation,
  position: 1000 + generation,
  columnCount: 1,
  slotSize: 16,
  windowMs: 7_200_000,
  frozenThroughMs: Number.NEGATIVE_INFINITY,
  seriesCount: 12,
  seriesFile: 0,
  seriesFileBytes: 345,
  installation: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  windows: [{ startMs: 7_200_000, sequence: 2, frozenPosition: 77, generation: 3 }],
});
const sections = [
  { id: 2, pieces: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)] },
  { id: 4, pieces: [new Uint8Array(64)] },
];

async function written(generations: number[], disk = new SimDisk()): Promise<SimDisk> {
  for (const generation of generations) await writeCheckpoint(disk, 'f', header(generation), sections);
  return disk;
}

/** The newest whole one, as a start looks for it. */
async function newestOf(disk: SimDisk) {
  for (const { path } of await listCheckpoints(disk, 'f')) {
    const loaded = await readCheckpoint(disk, path).catch(() => undefined);
    if (loaded !== undefined) return loaded;
  }
  return undefined;
}

test('the newest is found, with the one that is kept beside it, and older ones are gone', async () => {
  const disk = await written([1, 2]);
  await writeCheckpoint(disk, 'f', header(3), sections, [2]);
  expect((await listCheckpoints(disk, 'f')).map(({ generation }) => generation)).toEqual([3, 2]);
  const loaded = await newestOf(disk);
  expect(loaded?.header).toEqual(header(3));
  expect(loaded?.sections.map(({ payload }) => payload.length)).toEqual([4, 64]);
  await writeCheckpoint(disk, 'f', header(4), sections);
  expect(await disk.list('f')).toEqual(['checkpoint-0000000000000004']);
});

test('no folder means there never was one', async () => {
  expect(await listCheckpoints(new SimDisk(), 'f')).toEqual([]);
});

test('whatever call fails and whatever a power loss leaves, one whole checkpoint is found', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    const disk = await written([1]);
    const call = (['append', 'sync', 'rename', 'syncFolder', 'open'] as const)[random.below(5)] ?? 'sync';
    disk.failNext(call);
    const failed = await writeCheckpoint(disk, 'f', header(2), sections).then(
      () => false,
      () => true,
    );
    const after = disk.crash({ seed, keep: random.below(2) === 0 ? 'torn' : 'written' });
    const loaded = await newestOf(after);
    expect(failed ? [1, 2] : [2], `seed ${seed}`).toContain(loaded?.header.generation);
  }
});

test('truncated at every byte, or with a bit flipped anywhere, it is refused', async () => {
  const disk = await written([5]);
  const bytes = await disk.read('f/checkpoint-0000000000000005');
  for (let end = 0; end < bytes.length; end++) {
    expect(() => decodeCheckpoint(bytes.subarray(0, end)), `cut at ${end}`).toThrow();
  }
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bad = bytes.slice();
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    let error: unknown;
    try {
      decodeCheckpoint(bad);
    } catch (caught) {
      error = caught;
    }
    expect(isTidemarkError(error), `bit ${bit}: ${String(error)}`).toBe(true);
  }
});

test('a header is read, whatever else is damaged, and never another', async () => {
  const disk = await written([5]);
  const path = 'f/checkpoint-0000000000000005';
  const bytes = await disk.read(path);
  let read = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const harmed = bytes.slice();
    harmed[bit >> 3] = (harmed[bit >> 3] as number) ^ (1 << (bit & 7));
    await disk.writeAtomic('harmed', harmed);
    const found = await readCheckpointHeader(disk, 'harmed');
    if (found !== undefined) expect(found).toEqual(header(5));
    if (found !== undefined) read++;
  }
  expect(read).toBeGreaterThan(bytes.length * 2);
  for (let length = 0; length < bytes.length; length++) {
    await disk.writeAtomic('harmed', bytes.subarray(0, length));
    const found = await readCheckpointHeader(disk, 'harmed');
    if (found !== undefined) expect(found).toEqual(header(5));
  }
});
