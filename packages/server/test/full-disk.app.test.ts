import { execFileSync } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeRemoteWrite, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { samples, until } from './http.ts';

// A whole Tidemark on a disk that fills up: writes are told to come back, reading goes on, nothing acknowledged is lost, and
// when there is room again it takes in again without being started anew.
//
//   tmpfs 64 MiB  |data |ballast.....................|       writes 503
//                 |data |                            |       writes 204 again

const DISK_BYTES = 64 * 1024 * 1024;
const POINTS_PER_REQUEST = 1000;

/** Mounts a small disk of its own; undefined, with the reason, where this user may not. */
function mountSmallDisk(path: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
  }
}

test('a full disk: 503 and come back, nothing acknowledged lost, and on it goes when there is room', async ({
  annotate,
}) => {
  await using folder = await tempFolder('disk');
  const refused = mountSmallDisk(folder.path);
  if (refused !== undefined) {
    // Mounting is root's. The log's own tests fill a simulated disk at every call; what is missing then is the whole process.
    await annotate(`did not run: no small disk could be mounted (${refused})`, 'warning');
    process.stdout.write(`full-disk.app.test.ts DID NOT RUN: no small disk could be mounted (${refused})\n`);
    return;
  }
  await using _mounted = { [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', folder.path]) };
  await using server = await startTidemark({
    dataFolder: join(folder.path, 'data'),
    env: { TIDEMARK_COLLECTOR_HOST: 'false', TIDEMARK_STORE_CHECKPOINT_INTERVAL: '1s' },
  });
  const start = Date.now() - 3_600_000;
  const acknowledged = new Map<number, number>();
  let next = 0;
  const send = async () => {
    const points = Array.from({ length: POINTS_PER_REQUEST }, (_, i) => ({
      timestampMs: start + next + i,
      value: i / 4,
    }));
    const response = await fetch(`${server.url}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      body: encodeRemoteWrite([{ labels: { __name__: 'disk' }, samples: points }]),
    });
    const retryAfter = response.headers.get('retry-after');
    const answer = { status: response.status, text: await response.text(), retryAfter };
    if (answer.status === 204) for (const point of points) acknowledged.set(point.timestampMs, point.value);
    next += POINTS_PER_REQUEST;
    return answer;
  };
  const readBack = async () => {
    const [series] = await samples(server.url, 'disk', '2h', Date.now() + 1000);
    return new Map((series?.values ?? []).map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)]));
  };
  const expectAllThere = async () => {
    const found = await readBack();
    expect([...acknowledged].filter(([at, value]) => found.get(at) !== value)).toEqual([]);
  };
  for (let i = 0; i < 5; i++) expect((await send()).status).toBe(204);

  const ballast = join(folder.path, 'ballast');
  await fill(ballast);
  const full = await until('a write that is told to come back', 20_000, async () => {
    const answer = await send();
    return answer.status === 204 ? undefined : answer;
  });
  expect(full.status).toBe(503);
  expect(full.text).toMatch(/ENOSPC|no space|full/i);
  // Checkpoints fall due, and fail, while it is full. Reading goes on.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(await send()).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) });
  await expectAllThere();

  await rm(ballast);
  await until('writes are taken again', 20_000, async () => ((await send()).status === 204 ? true : undefined));
  await expectAllThere();
  expect(server.process.exit).toBeUndefined();
  await server.kill9();
  await server.restart();
  await expectAllThere();

  // Stopping on a full disk: what could not be checkpointed is in the log, and it is said in a sentence.
  await fill(ballast);
  const { code } = await server.stop();
  if (code !== 0)
    expect(server.logs).toMatch(/not everything could be put away \(.+\); what was acknowledged is on disk/);
  expect(server.logs).not.toMatch(/^\s+at /m);
  await rm(ballast);
  await server.restart();
  await expectAllThere();
});

/** Takes all but a few pages. */
async function fill(ballast: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(ballast));
  await writeFile(ballast, Buffer.alloc(bavail * bsize - 64 * 1024)).catch((error: Error) => {
    expect(error.message).toContain('ENOSPC');
  });
}
