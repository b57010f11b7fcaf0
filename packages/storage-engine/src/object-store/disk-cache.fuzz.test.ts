import { SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { describe, expect, test } from 'vitest';
import { DiskCache, PIECE_BYTES } from './disk-cache.ts';
import { objectKey, pieceName } from './piece.ts';
import { SimObjectStore } from './sim.ts';

const SEED = Number(process.env['SEED'] ?? 20261129);
const ROUNDS = Number(process.env['ROUNDS'] ?? 25);
const MIB = 1024 * 1024;

class Story {
  readonly store = new SimObjectStore(seededRandom(1));
  readonly objects = new Map<string, Uint8Array>();
  readonly clock = new SimClock(1_700_000_000_000);
  disk = new SimDisk();
  cache!: DiskCache;
  asked: string[] = [];

  async begin(sizes: Readonly<Record<string, number>>, bytesMax = 16 * MIB): Promise<this> {
    for (const [i, [name, size]] of Object.entries(sizes).entries()) {
      const bytes = seededRandom(i + 7).bytes(size);
      this.objects.set(name, bytes);
      await this.store.putIfAbsent(name, bytes);
    }
    return this.open(bytesMax);
  }

  async open(bytesMax = 16 * MIB): Promise<this> {
    const { disk, clock } = this;
    const getRange = (name: string, start: number, length: number) => {
      this.asked.push(`${name} ${start / PIECE_BYTES}+${length / PIECE_BYTES}`);
      return this.store.getRange(name, start, length);
    };
    this.cache = await DiskCache.open({ store: { getRange }, disk, clock, logger: silentLogger, bytesMax });
    return this;
  }

  async read(name: string, start: number, length: number): Promise<void> {
    const got = await this.cache.getRange(name, start, length);
    const said = (this.objects.get(name) as Uint8Array).subarray(start, start + length);
    expect(Buffer.compare(got, said), `${name} ${start}+${length}`).toBe(0);
  }

  async bytesOnDisk(): Promise<number> {
    let bytes = 0;
    for (const file of await this.disk.list('cache')) bytes += await this.disk.size(`cache/${file}`);
    return bytes;
  }
}

describe('pieces', () => {
  test('neighbours that are missing are one request; what was read is there, after a restart too', async () => {
    const story = await new Story().begin({ a: 5 * PIECE_BYTES + 100 });
    await story.read('a', PIECE_BYTES * 2 + 5, 10);
    await story.read('a', PIECE_BYTES + 7, PIECE_BYTES * 3);
    await story.read('a', PIECE_BYTES * 5, 100);
    expect(story.asked).toEqual(['a 2+1', 'a 1+1', 'a 3+2', 'a 5+1']);
    await story.cache.close();
    story.disk = story.disk.crash({ seed: 1, keep: 'written' });
    await story.open();
    story.asked = [];
    await story.read('a', PIECE_BYTES, PIECE_BYTES * 4 + 100);
    expect(story.asked).toEqual([]);
    expect(story.cache.counts).toMatchObject({ hits: 5, misses: 0, damaged: 0 });
  });

  test('readers of one piece share a request', async () => {
    const story = await new Story().begin({ a: 1000 });
    await Promise.all([story.read('a', 0, 10), story.read('a', 5, 100)]);
    expect(story.asked).toEqual(['a 0+1']);
  });

  test('they take no more than they may; what was read longest ago goes first', async () => {
    const story = await new Story().begin({ a: 8 * PIECE_BYTES }, 3.5 * PIECE_BYTES);
    for (const piece of [0, 1, 2, 0, 3, 4]) {
      await story.read('a', piece * PIECE_BYTES, 10);
      await story.cache.settled();
      expect(await story.bytesOnDisk()).toBeLessThanOrEqual(3.5 * PIECE_BYTES);
    }
    story.asked = [];
    for (const piece of [0, 3, 4, 1]) await story.read('a', piece * PIECE_BYTES, 10);
    expect(story.asked).toEqual(['a 1+1']);
    expect(story.cache.counts.evicted).toBe(3);
  });

  test('less room at the next start is taken at once', async () => {
    const story = await new Story().begin({ a: 8 * PIECE_BYTES });
    await story.read('a', 0, 8 * PIECE_BYTES);
    await story.cache.close();
    await story.open(2.5 * PIECE_BYTES);
    await story.cache.settled();
    expect((await story.disk.list('cache')).length).toBe(2);
    await DiskCache.openIfAny({ ...story, store: story.store, logger: silentLogger, bytesMax: 0 });
    expect(await story.disk.list('cache')).toEqual([]);
  });

  test('what is forgotten is fetched again, written meanwhile or not', async () => {
    const story = await new Story().begin({ a: 1000, b: 1000 });
    await story.read('a', 0, 10);
    await story.read('b', 0, 10);
    story.cache.forget('a');
    await story.cache.settled();
    expect((await story.disk.list('cache')).length).toBe(1);
    await story.read('a', 0, 10);
    await story.read('b', 0, 10);
    expect(story.asked).toEqual(['a 0+1', 'b 0+1', 'a 0+1']);
  });

  test('a full disk gets all of it back, and is left alone for a minute', async () => {
    const story = await new Story().begin({ a: 8 * PIECE_BYTES });
    story.disk.capacityBytes = 2.5 * PIECE_BYTES;
    await story.read('a', 0, 4 * PIECE_BYTES);
    await story.cache.settled();
    expect(await story.disk.list('cache')).toEqual([]);
    expect(story.cache.counts.bytes).toBe(0);
    story.disk.capacityBytes = 100 * MIB;
    await story.read('a', 0, PIECE_BYTES);
    await story.cache.settled();
    expect(await story.disk.list('cache')).toEqual([]);
    await story.clock.advance(60_000);
    await story.read('a', 0, PIECE_BYTES);
    await story.cache.settled();
    expect((await story.disk.list('cache')).length).toBe(1);
  });

  test('an object that is away is an error, for what is not here', async () => {
    const story = await new Story().begin({ a: 2 * PIECE_BYTES });
    await story.read('a', 0, 10);
    story.store.away = true;
    await story.read('a', 20, 10);
    await expect(story.read('a', PIECE_BYTES, 10)).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
    story.store.away = false;
    await story.read('a', PIECE_BYTES, 10);
  });

  test('a file that is cut anywhere, or has a bit flipped anywhere, is fetched again', async () => {
    const story = await new Story().begin({ a: 40 });
    await story.read('a', 0, 40);
    await story.cache.close();
    const [file] = await story.disk.list('cache');
    const whole = await story.disk.read(`cache/${file}`);
    const damaged = [
      ...Array.from({ length: whole.length }, (_, cut) => whole.slice(0, cut)),
      ...Array.from({ length: whole.length * 8 }, (_, bit) => {
        const bytes = whole.slice();
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        return bytes;
      }),
      new Uint8Array([...whole, 0]),
    ];
    for (const bytes of damaged) {
      await story.disk.writeAtomic(`cache/${file}`, bytes);
      await story.open();
      await story.read('a', 0, 40);
      expect(story.cache.counts.damaged).toBe(1);
      await story.cache.close();
      expect(await story.disk.read(`cache/${file}`)).toEqual(whole);
    }
  });

  test('the same bytes under the name of another object are none of it', async () => {
    const story = await new Story().begin({ a: 40, b: 40 });
    await story.read('a', 0, 40);
    await story.cache.close();
    await story.disk.rename(`cache/${pieceName(objectKey('a'), 0, 40)}`, `cache/${pieceName(objectKey('b'), 0, 40)}`);
    await story.open();
    await story.read('b', 0, 40);
    expect(story.cache.counts).toMatchObject({ hits: 0, misses: 1, damaged: 1 });
  });
});

test.each(Array.from({ length: ROUNDS }, (_, i) => SEED + i))(
  'whatever fails and however it ends, bytes are those of the object (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    const bytesMax = (2 + random.below(6)) * PIECE_BYTES;
    const story = await new Story().begin(
      { a: random.below(6 * PIECE_BYTES) + 1, b: 3 * PIECE_BYTES, c: random.below(1000) + 1 },
      bytesMax,
    );
    const names = [...story.objects.keys()];
    for (let step = 0; step < 60; step++) {
      const what = random.below(20);
      const name = names[random.below(3)] as string;
      const size = (story.objects.get(name) as Uint8Array).length;
      if (what < 12) {
        const start = random.below(size);
        const reads = Array.from({ length: 1 + random.below(3) }, () =>
          story.read(name, start, 1 + random.below(size - start)),
        );
        for (const read of await Promise.allSettled(reads)) {
          if (read.status === 'rejected') expect(read.reason).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
        }
      } else if (what === 12) story.cache.forget(name);
      else if (what === 13) story.disk.failNext((['append', 'open'] as const)[random.below(2)] ?? 'open');
      else if (what === 14) story.store.faults = { ...story.store.faults, failures: random.below(2) * 0.3 };
      else if (what === 15) story.disk.capacityBytes = random.below(2) === 0 ? 2 * PIECE_BYTES : 100 * MIB;
      else if (what === 16) await story.clock.advance(61_000);
      else if (what === 17) {
        story.disk = story.disk.crash({ seed: random.below(2 ** 31), keep: 'torn' });
        await story.open(bytesMax);
      } else {
        await story.cache.settled();
        expect(await story.bytesOnDisk()).toBeLessThanOrEqual(bytesMax);
        expect(story.cache.counts.bytes).toBeLessThanOrEqual(bytesMax);
      }
    }
  },
);
