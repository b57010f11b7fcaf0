import { SimClock, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import type { DiscoveryFiles } from './discovery-files.ts';
import { fileDiscovery } from './file.ts';

// Target files in a folder of our own, on a clock under our hand.

async function world(start: Record<string, string>, patterns = ['t/*.json']) {
  const clock = new SimClock();
  const content = new Map(Object.entries(start));
  let onChange: () => void = () => undefined;
  let stopped = 0;
  const files: DiscoveryFiles = {
    async read(path) {
      const text = content.get(path);
      if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      if (text === 'EIO') throw Object.assign(new Error('disk'), { code: 'EIO' });
      return text;
    },
    async list(folder) {
      if (content.has('unreadable')) throw new Error('not allowed');
      return [...content.keys()]
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1));
    },
    watch(_folder, changed) {
      onChange = changed;
      return () => stopped++;
    },
  };
  let calls = 0;
  const discovery = fileDiscovery({
    patterns,
    refreshIntervalMs: 60_000,
    parseYaml: (text) => text.split(' ').map((target) => ({ targets: [target] })),
    files,
    clock,
    logger: silentLogger,
  });
  await discovery.start(() => calls++);
  return {
    clock,
    discovery,
    calls: () => calls,
    stopped: () => stopped,
    found: () => discovery.groups().map((group) => [...group.addresses, ...group.labels.values()].join(' ')),
    /** Writes, as if this system told about it. */
    async write(path: string, text: string | undefined, tells = true) {
      if (text === undefined) content.delete(path);
      else content.set(path, text);
      if (tells) onChange();
      await clock.advance(200);
    },
  };
}

const A = '[{"targets": ["a:1", "a:2"], "labels": {"zone": "z"}}]';
const B = '[{"targets": ["b:1"]}]';

test('files that fit the pattern, each group with its file', async () => {
  const w = await world({ 't/a.json': A, 't/b.json': B, 't/c.txt': 'no', 'other/d.json': B });
  expect(w.found()).toEqual(['a:1 a:2 z t/a.json', 'b:1 t/b.json']);
  expect(w.discovery.problems()).toEqual([]);
});

test('JSON and YAML by their names; a file named by itself', async () => {
  const w = await world({ 't/a.yml': 'x:1 y:1', 'b.json': B }, ['t/a.yml', 'b.json']);
  expect(w.found()).toEqual(['x:1 t/a.yml', 'y:1 t/a.yml', 'b:1 b.json']);
});

test('a change is seen soon, and by the refresh interval where nobody tells', async () => {
  const w = await world({ 't/a.json': A });
  await w.write('t/a.json', B);
  expect(w.found()).toEqual(['b:1 t/a.json']);
  await w.write('t/b.json', B, false);
  expect(w.found()).toHaveLength(1);
  await w.clock.advance(60_000);
  expect(w.found()).toHaveLength(2);
  expect(w.calls()).toBe(2);
  await w.clock.advance(600_000);
  expect(w.calls()).toBe(2);
});

test.each([
  ['no JSON', '[{', /^t\/a\.json: .*JSON.*; its last good targets stay$/],
  ['another shape', '[{"targets": "a:1"}]', /^t\/a\.json: 0\.targets: must be a list; its last good targets stay$/],
  ['an unknown key', '[{"target": []}]', /"target" is not known here/],
  ['unreadable', 'EIO', /^t\/a\.json: disk; its last good targets stay$/],
])('a broken file keeps its last good targets: %s', async (_, broken, message) => {
  const w = await world({ 't/a.json': A, 't/b.json': B });
  await w.write('t/a.json', broken);
  expect(w.found()).toHaveLength(2);
  expect(w.discovery.problems()).toEqual([expect.stringMatching(message)]);
  expect(w.calls()).toBe(0);
  await w.write('t/a.json', A);
  expect(w.discovery.problems()).toEqual([]);
  await w.write('t/a.json', undefined);
  expect(w.found()).toEqual(['b:1 t/b.json']);
});

test('a file that is gone takes its targets along; a folder that cannot be listed takes none', async () => {
  const w = await world({ 't/a.json': A, 't/b.json': B, 'one.json': B }, ['t/*.json', 'one.json']);
  await w.write('one.json', undefined);
  await w.write('t/b.json', undefined);
  expect(w.found()).toEqual(['a:1 a:2 z t/a.json']);
  expect(w.discovery.problems()).toEqual(['one.json is not there']);
  await w.write('unreadable', '');
  expect(w.found()).toEqual(['a:1 a:2 z t/a.json']);
  expect(w.discovery.problems()).toContain('cannot list t/*.json: not allowed');
});

test('closed, it neither reads nor tells', async () => {
  const w = await world({ 't/a.json': A });
  w.discovery.close();
  await w.write('t/a.json', B);
  await w.clock.advance(120_000);
  expect(w.calls()).toBe(0);
  expect(w.stopped()).toBe(1);
});
