import { describe, expect, test } from 'vitest';
import { SimClock } from '../clock.ts';
import { type CrashOptions, SimDisk } from './sim-disk.ts';
import { SECTOR_BYTES } from './sim-file.ts';

const fill = (length: number, value: number) => new Uint8Array(length).fill(value);

async function syncedAndUnsynced(synced: number, unsynced: number): Promise<SimDisk> {
  const disk = new SimDisk();
  const file = await disk.open('f/log', { create: true });
  await file.append([fill(synced, 1)]);
  await file.sync();
  await disk.syncFolder('f');
  await file.append([fill(unsynced, 2)]);
  return disk;
}

const seeds = Array.from({ length: 200 }, (_, seed) => seed);
const tornBy = (seed: number): CrashOptions => ({ seed, keep: 'torn' });

describe('what a power loss leaves', () => {
  test('the synced part always, a torn prefix of the rest, sometimes with sectors that were never written', async () => {
    const lengths = new Set<number>();
    let zeroed = 0;
    for (const seed of seeds) {
      const after = (await syncedAndUnsynced(700, 3000)).crash(tornBy(seed));
      const content = await after.read('f/log');
      expect(content.subarray(0, 700)).toEqual(fill(700, 1));
      expect(content.length).toBeLessThanOrEqual(3700);
      const rest = content.subarray(700);
      expect(rest.every((byte) => byte === 2 || byte === 0)).toBe(true);
      lengths.add(content.length);
      if (rest.includes(0)) zeroed++;
    }
    expect(lengths.size).toBeGreaterThan(50);
    expect(zeroed).toBeGreaterThan(20);
    expect(zeroed).toBeLessThan(180);
  });

  test('zeroed sectors are sectors, and never reach into what was synced', async () => {
    for (const seed of seeds) {
      const content = await (await syncedAndUnsynced(SECTOR_BYTES + 10, 5 * SECTOR_BYTES))
        .crash(tornBy(seed))
        .read('f/log');
      for (let sector = 1; (sector + 1) * SECTOR_BYTES <= content.length; sector++) {
        const start = Math.max(SECTOR_BYTES + 10, sector * SECTOR_BYTES);
        const kinds = new Set(content.subarray(start, (sector + 1) * SECTOR_BYTES));
        expect(kinds.size).toBe(1);
      }
    }
  });

  test('`synced` keeps nothing else, `written` keeps everything', async () => {
    const strict = (await syncedAndUnsynced(10, 20)).crash({ seed: 1, keep: 'synced' });
    expect(await strict.size('f/log')).toBe(10);
    const gentle = (await syncedAndUnsynced(10, 20)).crash({ seed: 1, keep: 'written' });
    expect(await gentle.size('f/log')).toBe(30);
  });

  test('a cut below the synced end may be undone until it is synced', async () => {
    const cut = async (sync: boolean, seed: number) => {
      const disk = await syncedAndUnsynced(1000, 0);
      const file = await disk.open('f/log');
      await file.truncate(100);
      if (sync) await file.sync();
      return (await disk.crash(tornBy(seed)).read('f/log')).length;
    };
    const lengths = new Set(await Promise.all(seeds.slice(0, 30).map((seed) => cut(false, seed))));
    expect(lengths).toEqual(new Set([100, 1000]));
    expect(await cut(true, 3)).toBe(100);
  });

  test('a file whose folder was not synced may be gone; a synced one never is', async () => {
    const outcomes = new Set<string>();
    for (const seed of seeds.slice(0, 40)) {
      const disk = new SimDisk();
      for (const name of ['f/kept', 'f/maybe']) {
        const file = await disk.open(name, { create: true });
        await file.sync();
        if (name === 'f/kept') await disk.syncFolder('f');
      }
      outcomes.add((await disk.crash(tornBy(seed)).list('f')).join());
    }
    expect(outcomes).toEqual(new Set(['kept', 'kept,maybe']));
  });

  test('a rename is undone whole or done whole', async () => {
    const outcomes = new Set<string>();
    for (const seed of seeds.slice(0, 40)) {
      const disk = new SimDisk();
      await disk.writeAtomic('f/a', fill(1, 1));
      await disk.rename('f/a', 'f/b');
      outcomes.add((await disk.crash(tornBy(seed)).list('f')).join());
    }
    expect(outcomes).toEqual(new Set(['a', 'b']));
  });

  test('writeAtomic is durable when it resolves', async () => {
    for (const seed of seeds.slice(0, 20)) {
      const disk = new SimDisk();
      await disk.writeAtomic('f/meta', fill(3, 1));
      await disk.writeAtomic('f/meta', fill(4, 2));
      expect(await disk.crash(tornBy(seed)).read('f/meta')).toEqual(fill(4, 2));
    }
  });

  test.each(['synced', 'torn', 'written'] as const)(
    'what a failed sync was to write no later sync writes (%s)',
    async (keep) => {
      const disk = await syncedAndUnsynced(10, 20);
      const broken = await disk.open('f/log');
      disk.failNext('sync');
      await expect(broken.sync()).rejects.toMatchObject({ code: 'DISK_IO' });
      const again = await disk.open('f/log');
      await again.append([fill(5, 3)]);
      await again.sync();
      const seen = [...fill(10, 1), ...fill(20, 2), ...fill(5, 3)];
      const left = [...fill(10, 1), ...fill(20, 0), ...fill(5, 3)];
      expect([...(await disk.read('f/log'))], 'programs see it').toEqual(seen);
      const next = disk.crash({ seed: 1, keep });
      expect([...(await next.read('f/log'))]).toEqual(keep === 'written' ? seen : left);
      if (keep === 'written') expect([...(await next.crash({ seed: 1, keep: 'synced' }).read('f/log'))]).toEqual(left);
    },
  );

  test('written again it is there', async () => {
    const disk = await syncedAndUnsynced(10, 20);
    const file = await disk.open('f/log');
    disk.failNext('sync');
    await expect(file.sync()).rejects.toMatchObject({ code: 'DISK_IO' });
    await file.truncate(10);
    await file.append([fill(20, 2)]);
    await file.sync();
    const { length } = (await disk.crash({ seed: 1, keep: 'synced' }).read('f/log')).filter((byte) => byte === 2);
    expect(length).toBe(20);
  });

  test('a process has so many handles and no more', async () => {
    const disk = await syncedAndUnsynced(10, 0);
    const before = disk.handles;
    disk.handlesMax = before + 1;
    const file = await disk.open('f/log');
    const refused = { code: 'DISK_IO', details: { system: 'EMFILE' } };
    await expect(disk.open('f/other', { create: true })).rejects.toMatchObject(refused);
    await expect(disk.read('f/log')).rejects.toMatchObject(refused);
    await expect(disk.list('f')).rejects.toMatchObject(refused);
    await expect(disk.writeAtomic('f/other', fill(1, 1))).rejects.toMatchObject(refused);
    await expect(disk.createExclusive('f/other', fill(1, 1))).rejects.toMatchObject(refused);
    await expect(disk.syncFolder('f')).rejects.toMatchObject(refused);
    await file.append([fill(1, 1)]);
    await file.sync();
    expect(await disk.exists('f/other')).toBe(false);
    await file.close();
    await file.close();
    expect(disk.handles).toBe(before);
    expect((await disk.read('f/log')).length).toBe(11);
  });

  test('the same seed leaves the same bytes', async () => {
    const one = await (await syncedAndUnsynced(700, 3000)).crash(tornBy(7)).read('f/log');
    const two = await (await syncedAndUnsynced(700, 3000)).crash(tornBy(7)).read('f/log');
    expect(one).toEqual(two);
  });

  test('a sync under way when the power goes: what was answered is there', async () => {
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 6; turns++) {
      const disk = await syncedAndUnsynced(10, 0);
      const file = await disk.open('f/log');
      await file.append([fill(10, 2)]);
      let answered = false;
      const sync = file.sync().then(
        () => {
          answered = true;
        },
        () => undefined,
      );
      for (let i = 0; i < turns; i++) await Promise.resolve();
      const after = disk.crash({ seed: 1, keep: 'synced' });
      await sync;
      if (answered) expect(await after.size('f/log')).toBe(20);
      outcomes.add(`${answered} ${await after.size('f/log')}`);
    }
    expect(outcomes).toContain('true 20');
    expect(outcomes).toContain('false 10');
  });

  test('the old process cannot touch the disk any more', async () => {
    const disk = await syncedAndUnsynced(10, 0);
    const file = await disk.open('f/log');
    const after = disk.crash({ seed: 1, keep: 'written' });
    await expect(file.append([fill(1, 9)])).rejects.toMatchObject({ code: 'DISK_IO' });
    await expect(disk.remove('f/log')).rejects.toMatchObject({ code: 'DISK_IO' });
    expect(await after.size('f/log')).toBe(10);
  });
});

describe('faults to order', () => {
  test('a full disk takes what fits, says so, and goes on when there is room', async () => {
    const disk = new SimDisk({ capacityBytes: 100 });
    const file = await disk.open('log', { create: true });
    await file.append([fill(80, 1)]);
    await expect(file.append([fill(10, 2), fill(30, 3)])).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(file.size).toBe(100);
    await expect(disk.writeAtomic('meta', fill(1, 1))).rejects.toMatchObject({ code: 'DISK_FULL' });
    await file.truncate(80);
    await file.append([fill(20, 4)]);
    expect((await disk.read('log')).subarray(80)).toEqual(fill(20, 4));
  });

  test('after a failed sync the file refuses until it is cut back to what was synced', async () => {
    const disk = new SimDisk();
    const file = await disk.open('log', { create: true });
    await file.append([fill(5, 1)]);
    await file.sync();
    await file.append([fill(5, 2)]);
    disk.failNext('sync', { path: 'log' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'DISK_IO' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'DISK_IO' });
    await expect(file.append([fill(1, 3)])).rejects.toMatchObject({ code: 'DISK_IO' });
    await file.truncate(5);
    await file.append([fill(1, 3)]);
    await file.sync();
    expect([...(await disk.read('log'))]).toEqual([1, 1, 1, 1, 1, 3]);
  });

  test('a fault for a path meets a file that was renamed to it', async () => {
    const disk = new SimDisk();
    const file = await disk.open('log.new', { create: true });
    await disk.rename('log.new', 'log');
    disk.failNext('append', { path: 'log', code: 'DISK_FULL' });
    await expect(file.append([fill(1, 1)])).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('a flipped bit is read as it is', async () => {
    const disk = new SimDisk();
    await disk.writeAtomic('x', Uint8Array.of(0b1010));
    disk.flipBit('x', 0, 2);
    expect([...(await disk.read('x'))]).toEqual([0b1110]);
  });

  test('a slow disk takes its time on the clock', async () => {
    const clock = new SimClock();
    const disk = new SimDisk({ clock });
    const file = await disk.open('log', { create: true });
    disk.slowMs = 50;
    let done = false;
    const append = file.append([fill(1, 1)]).then(() => {
      done = true;
    });
    await clock.advance(49);
    expect(done).toBe(false);
    await clock.advance(1);
    await append;
    expect(done).toBe(true);
  });
});
