// Tries each step of a Dockerfile without a container engine, starts what comes out, and asks whether it is ready:
//
//   node -C source scripts/docker-dry-run.ts [--whole] [--keep] [--file docker/Dockerfile]
//
// --whole   npm ci of everything anew, instead of what this checkout has installed
// --keep    leaves the folder, and says where it is
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readDockerfile } from './lib/image/dockerfile.ts';
import { startImage, stopImage, untilHealthy } from './lib/image/start-image.ts';
import { readIgnore, tryImage } from './lib/image/try-image.ts';

const HEALTHY_WITHIN_MS = 60_000;

const { values } = parseArgs({
  options: {
    whole: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    file: { type: 'string', default: 'docker/Dockerfile' },
  },
});
const context = resolve(import.meta.dirname, '..');
const file = resolve(context, values.file);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-image-'));
// Another user starts what is in it.
chmodSync(folder, 0o755);
try {
  const stages = readDockerfile(readFileSync(file, 'utf8'));
  const ignore = readIgnore(readFileSync(`${file}.dockerignore`, 'utf8'));
  const image = tryImage(stages, { context, ignore, folder, whole: values.whole, say });
  const parts = readdirSync(image.root).filter((name) => name !== 'usr');
  const bytes = Object.fromEntries(parts.map((name) => [name, sizeOf(join(image.root, name))]));
  say(
    `content: ${Object.entries(bytes)
      .map(([name, size]) => `/${name} ${(size / 1e6).toFixed(1)} MB`)
      .join(', ')}, beside the base image`,
  );
  const started = startImage(image, { TIDEMARK_HTTP_LISTEN: `127.0.0.1:${await freePort()}` });
  try {
    say(
      `started${started.uid === undefined ? '' : ` as user ${started.uid}`}: ${[...image.entrypoint.words, ...image.command.words].join(' ')}`,
    );
    say(`healthy: ${(await untilHealthy(started, HEALTHY_WITHIN_MS)).trim()}`);
    const code = await stopImage(started, image);
    say(`${image.stopSignal}: ended with ${code}`);
    if (code !== 0) throw new Error(`after ${image.stopSignal} the exit code must be 0:\n${started.output()}`);
  } finally {
    if (started.child.exitCode === null) started.child.kill('SIGKILL');
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  if (values.keep) say(`kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}

function sizeOf(path: string): number {
  const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return names.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
