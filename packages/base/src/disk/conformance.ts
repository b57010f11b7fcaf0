import { describe, expect, test } from 'vitest';
import type { Disk, DiskFile } from './disk.ts';

// What every disk must do. `make` returns an empty one.

const bytes = (...values: number[]) => Uint8Array.from(values);
const text = (value: string) => new TextEncoder().encode(value);

export function diskConformance(name: string, make: () => Promise<Disk>): void {
  describe(`disk: ${name}`, () => {
    test('what is appended in pieces is read back as one run of bytes', async () => {
      const file = await create(await make(), 'a/b/log');
      await file.append([bytes(1, 2), bytes(), bytes(3)]);
      await file.append([bytes(4)]);
      expect(file.size).toBe(4);
      expect(await readAll(file)).toEqual([1, 2, 3, 4]);
      await file.close();
    });

    test('an append of thousands of pieces arrives whole and in order', async () => {
      const disk = await make();
      const file = await create(disk, 'log');
      await file.append(Array.from({ length: 5000 }, (_, i) => bytes(i & 0xff, i >> 8)));
      expect(file.size).toBe(10_000);
      const content = await disk.read('log');
      for (let i = 0; i < 5000; i++) expect((content[2 * i] as number) | ((content[2 * i + 1] as number) << 8)).toBe(i);
      await file.close();
    });

    test('content is a plain array: a slice of it is a copy', async () => {
      const disk = await make();
      await disk.writeAtomic('plain', Uint8Array.of(1, 2, 3));
      const content = await disk.read('plain');
      expect(Object.getPrototypeOf(content)).toBe(Uint8Array.prototype);
      const copy = content.slice(1, 2);
      content[1] = 9;
      expect([...copy]).toEqual([2]);
    });

    test('a read is short only at the end of the file', async () => {
      const file = await create(await make(), 'log');
      await file.append([bytes(1, 2, 3, 4, 5)]);
      const into = new Uint8Array(4);
      expect(await file.readAt(0, into)).toBe(4);
      expect(await file.readAt(3, into)).toBe(2);
      expect([...into.subarray(0, 2)]).toEqual([4, 5]);
      expect(await file.readAt(5, into)).toBe(0);
      expect(await file.readAt(500, into)).toBe(0);
      await file.close();
    });

    test('an opened file goes on where it ended', async () => {
      const disk = await make();
      const first = await create(disk, 'log');
      await first.append([bytes(1, 2)]);
      await first.sync();
      await first.close();
      const second = await disk.open('log');
      expect(second.size).toBe(2);
      await second.append([bytes(3)]);
      expect(await readAll(second)).toEqual([1, 2, 3]);
      await second.close();
    });

    test('after a truncation, appends continue at the cut', async () => {
      const file = await create(await make(), 'log');
      await file.append([bytes(1, 2, 3, 4)]);
      await file.sync();
      await file.truncate(2);
      expect(file.size).toBe(2);
      await file.append([bytes(9)]);
      await file.sync();
      expect(await readAll(file)).toEqual([1, 2, 9]);
      await file.close();
    });

    test('what does not exist: open, read, size and rename say so, remove does not mind', async () => {
      const disk = await make();
      for (const call of [
        () => disk.open('no/file'),
        () => disk.read('no/file'),
        () => disk.size('no/file'),
        () => disk.rename('no/file', 'other'),
        () => disk.syncFolder('no'),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'DISK_NOT_FOUND' });
      }
      await disk.remove('no/file');
      await disk.removeFolder('no');
      expect(await disk.exists('no/file')).toBe(false);
      expect(await disk.list('no')).toEqual([]);
    });

    test('writeAtomic makes folders, replaces whole, and leaves nothing beside it', async () => {
      const disk = await make();
      await disk.writeAtomic('x/y/meta', text('first and longer'));
      await disk.writeAtomic('x/y/meta', text('second'));
      expect(new TextDecoder().decode(await disk.read('x/y/meta'))).toBe('second');
      expect(await disk.list('x/y')).toEqual(['meta']);
    });

    test('concurrent writeAtomic calls leave one whole content', async () => {
      const disk = await make();
      const contents = ['a', 'bb', 'ccc', 'dddd'].map((letter) => letter.repeat(1000));
      await Promise.all(contents.map((content) => disk.writeAtomic('meta', text(content))));
      expect(contents).toContain(new TextDecoder().decode(await disk.read('meta')));
    });

    test('createExclusive: the first wins, the others change nothing', async () => {
      const disk = await make();
      const won = await Promise.all([1, 2, 3].map((n) => disk.createExclusive('f/lock', bytes(n))));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect([...(await disk.read('f/lock'))]).toEqual([won.indexOf(true) + 1]);
      expect(await disk.createExclusive('f/lock', bytes(9))).toBe(false);
      await disk.remove('f/lock');
      expect(await disk.createExclusive('f/lock', bytes(9))).toBe(true);
      expect(await disk.list('f')).toEqual(['lock']);
    });

    test('list names files and folders, sorted, folders with a slash', async () => {
      const disk = await make();
      await disk.writeAtomic('f/b', bytes(1));
      await disk.writeAtomic('f/a', bytes(1));
      await disk.makeFolder('f/c/d');
      expect(await disk.list('f')).toEqual(['a', 'b', 'c/']);
      expect(await disk.list('')).toEqual(['f/']);
      expect(await disk.exists('f/c')).toBe(true);
    });

    test('rename replaces the target, and open files go on under the new name', async () => {
      const disk = await make();
      await disk.writeAtomic('f/old', bytes(7, 7));
      const file = await create(disk, 'f/new.tmp');
      await file.append([bytes(1)]);
      await disk.rename('f/new.tmp', 'f/old');
      await file.append([bytes(2)]);
      await file.sync();
      await disk.syncFolder('f');
      expect([...(await disk.read('f/old'))]).toEqual([1, 2]);
      expect(await disk.list('f')).toEqual(['old']);
      await file.close();
    });

    test('removeFolder takes all in it and nothing beside it', async () => {
      const disk = await make();
      await disk.writeAtomic('f/a/one', bytes(1));
      await disk.writeAtomic('f/ab', bytes(1));
      await disk.removeFolder('f/a');
      expect(await disk.list('f')).toEqual(['ab']);
    });

    test('paths that leave the root are refused', async () => {
      const disk = await make();
      for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a\0b', 'a\\b']) {
        await expect(disk.read(path)).rejects.toMatchObject({ code: 'DISK_PATH' });
        await expect(disk.writeAtomic(path, bytes(1))).rejects.toMatchObject({ code: 'DISK_PATH' });
      }
    });

    test('a closed file refuses everything but close', async () => {
      const file = await create(await make(), 'log');
      await file.close();
      await file.close();
      for (const call of [
        () => file.append([bytes(1)]),
        () => file.readAt(0, new Uint8Array(1)),
        () => file.truncate(0),
        () => file.sync(),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'DISK_CLOSED' });
      }
    });
  });
}

function create(disk: Disk, path: string): Promise<DiskFile> {
  return disk.open(path, { create: true });
}

async function readAll(file: DiskFile): Promise<number[]> {
  const into = new Uint8Array(file.size);
  expect(await file.readAt(0, into)).toBe(file.size);
  return [...into];
}
