import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openFileObjectStore } from './file.ts';

// When an object in a folder is acknowledged a loss of power must not take it. No test can pull the plug, so the calls are looked at, in
// their order: bytes are on disk before they have their name, the name (and each new folder on the way) before anybody is told.

const calls = vi.hoisted(() => ({ list: [] as string[], root: '' }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const { relative: below } = await import('node:path');
  const note = (call: string, ...paths: string[]) =>
    calls.list.push([call, ...paths.map((path) => below(calls.root, path) || '.')].join(' '));
  return {
    ...real,
    async open(path: string, flags: string) {
      const file = await real.open(path, flags);
      const { sync, writeFile } = file;
      file.sync = async () => {
        await sync.call(file);
        note('sync', path);
      };
      file.writeFile = async (...args) => {
        await writeFile.apply(file, args);
        note('write', path);
      };
      return file;
    },
    async link(from: string, to: string) {
      await real.link(from, to);
      note('link', from, to);
    },
    async rename(from: string, to: string) {
      await real.rename(from, to);
      note('rename', from, to);
    },
    async rm(path: string, options: { force?: boolean; recursive?: boolean }) {
      await real.rm(path, options);
      note('rm', path);
    },
  };
});

/** The calls of some work on a store. */
async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  calls.list.length = 0;
  await work();
  return [...calls.list];
}

test('bytes before the name, the name before the answer', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-objects-'));
  calls.root = root;
  try {
    const store = await openFileObjectStore(root);
    const put = (name: string) => callsOf(() => store.putIfAbsent(name, Uint8Array.of(1)));
    expect(await put('a/b/first')).toEqual([
      'write .tmp/0',
      'sync .tmp/0',
      'sync a/b',
      'sync a',
      'sync .',
      'link .tmp/0 a/b/first',
      'sync a/b',
      'rm .tmp/0',
    ]);
    expect(await put('a/b/second')).toEqual([
      'write .tmp/1',
      'sync .tmp/1',
      'link .tmp/1 a/b/second',
      'sync a/b',
      'rm .tmp/1',
    ]);
    const { etag } = await store.get('a/b/first');
    expect(await callsOf(() => store.putIfMatches('a/b/first', Uint8Array.of(2), etag))).toEqual([
      'write .tmp/2',
      'sync .tmp/2',
      'rename .tmp/2 a/b/first',
      'sync a/b',
    ]);
    expect(await callsOf(() => store.delete('a/b/second'))).toEqual(['rm a/b/second', 'sync a/b']);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
