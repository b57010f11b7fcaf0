import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, levelProblem, nodeDisk, type Random, salvageLevel, TidemarkError } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { tempFolder } from '@tidemark/testkit/real';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';

// Files that LevelDB wrote, read without it (base/level-files): whole, they say what it says; harmed, it is noticed, and what is
// salvaged is what was there.

type Content = Map<string, string>;

/** Several opens, so that there are tables and logs; some keys written again, some deleted. */
async function written(path: string, random: Random, compression: boolean): Promise<Content> {
  const content: Content = new Map();
  for (let open = 0; open < 3; open++) {
    const level = new ClassicLevel<string, string>(path, { compression, writeBufferSize: 64 * 1024 });
    for (let batch = 0; batch < 20; batch++) {
      const writes = Array.from({ length: 1 + random.below(20) }, () => {
        const key = `key ${random.below(300)}`;
        if (random.below(5) === 0) return { type: 'del' as const, key };
        const word = `${random.below(1000)} `;
        return { type: 'put' as const, key, value: word.repeat(random.below(1 + random.below(2000))) };
      });
      for (const write of writes) {
        if (write.type === 'del') content.delete(write.key);
        else content.set(write.key, write.value);
      }
      await level.batch(writes);
    }
    await level.close();
  }
  return content;
}

async function salvaged(root: string, disk: Disk = nodeDisk(root)): Promise<Content> {
  const found: Content = new Map();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  for await (const { key, value } of salvageLevel(disk, 'db')) found.set(text(key), text(value));
  return found;
}

/** A disk that answers so when a file is read. */
function failing(root: string, file: string, system: string): Disk {
  const disk = nodeDisk(root);
  const read = async (path: string) => {
    if (path === `db/${file}`) throw new TidemarkError('DISK_IO', `cannot read ${path}: ${system}`, { path, system });
    return disk.read(path);
  };
  return Object.create(disk, { read: { value: read }, list: { value: (path: string) => disk.list(path) } });
}

/** Files without which there is a problem: what compaction replaced may still lie there. */
async function needed(root: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(join(root, 'db'))) {
    await rename(join(root, 'db', name), join(root, 'away'));
    if ((await levelProblem(nodeDisk(root), 'db')) !== undefined) names.push(name);
    await rename(join(root, 'away'), join(root, 'db', name));
  }
  return names;
}

const sorted = (content: Content) => [...content].sort(([a], [b]) => (a < b ? -1 : 1));

test('whole, it has no problem and all is salvaged; a table with any bit flipped, or cut, has one', () =>
  withSeed('level-files', async (random) => {
    await using root = await tempFolder('level-files');
    const disk = nodeDisk(root.path);
    const db = join(root.path, 'db');
    for (const compression of [false, true]) {
      await rm(db, { recursive: true, force: true });
      const content = await written(db, random, compression);
      expect(await levelProblem(disk, 'db')).toBe(undefined);
      expect(sorted(await salvaged(root.path))).toEqual(sorted(content));
      const names = await needed(root.path);
      expect(names.length).toBeGreaterThan(3);
      for (let round = 0; round < rounds(60); round++) {
        const name = names[random.below(names.length)] as string;
        const whole = await readFile(join(db, name));
        // A length of a MANIFEST that points behind its end looks as if it ended early; so its first record, and not its length.
        const bit = name.startsWith('MANIFEST') ? 8 * 7 + random.below(8 * 20) : random.below(whole.length * 8);
        const flipped = whole.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        await writeFile(join(db, name), flipped);
        if (!isPadding(name, bit, whole.length)) {
          expect(await levelProblem(disk, 'db'), `${name} bit ${bit}`).toBeTypeOf('string');
        }
        for (const [key, value] of await salvaged(root.path)) {
          if (name.startsWith('MANIFEST')) expect(content.get(key)).toBe(value);
          else expect(value, `${name} bit ${bit}, ${key}`).toMatch(/^(\d+ )*$/);
        }
        await writeFile(join(db, name), whole);
        // A MANIFEST that ends early is what a crash leaves: what it names then may be gone, or not.
        if (!name.startsWith('MANIFEST')) {
          await truncate(join(db, name), random.below(whole.length));
          expect(await levelProblem(disk, 'db'), `${name} cut`).toBeTypeOf('string');
        }
        await writeFile(join(db, name), whole);
      }
      expect(await levelProblem(disk, 'db')).toBe(undefined);
    }
  }));

/** Zeros between the handles of a table's footer and its magic mean nothing. */
function isPadding(name: string, bit: number, length: number): boolean {
  const byte = bit >> 3;
  return name.endsWith('.ldb') && byte >= length - 48 && byte < length - 8;
}

test('a file on a bad place of the disk is damage, and all others are salvaged; what may pass is none', () =>
  withSeed('level-files-unreadable', async (random) => {
    await using root = await tempFolder('level-files-unreadable');
    const content = await written(join(root.path, 'db'), random, false);
    for (const name of await needed(root.path)) {
      const bad = failing(root.path, name, 'EIO');
      expect(await levelProblem(bad, 'db'), name).toContain(name);
      const left = await salvaged(root.path, bad);
      if (!/\.ldb$/.test(name)) expect(sorted(left)).toEqual(sorted(content));
      else expect(left.size, name).toBeGreaterThan(0);
      const busy = failing(root.path, name, 'EMFILE');
      await expect(levelProblem(busy, 'db')).rejects.toMatchObject({ code: 'DISK_IO' });
      if (/\.ldb$/.test(name)) await expect(salvaged(root.path, busy)).rejects.toMatchObject({ code: 'DISK_IO' });
    }
  }));
