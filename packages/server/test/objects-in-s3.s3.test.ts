import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, runTidemark, type S3, sendRemoteWrite, startS3, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { samples, serverNow, until, vector } from './http.ts';

// Sealed segments in a bucket: read back after everything local is gone; and what an S3 server that is away takes from nobody.

const inBucket = (s3: S3) => ({
  TIDEMARK_STORE_OBJECTS: `s3://${s3.bucket}/metrics`,
  TIDEMARK_STORE_S3_ENDPOINT: s3.endpoint,
  TIDEMARK_STORE_S3_REGION: s3.region,
  TIDEMARK_STORE_S3_ACCESS_KEY_ID: s3.accessKeyId,
  TIDEMARK_STORE_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  TIDEMARK_STORE_S3_DEADLINE: '2s',
});

test('segments in a bucket are read back without anything local; an S3 server that is away stops neither samples nor answers', {
  timeout: 180_000,
}, async () => {
  await using s3 = await startS3({ own: true });
  const env = inBucket(s3);
  await using server = await startTidemark({ env });
  const { url } = server;
  const now = Math.floor(await serverNow(url));
  const HOUR_MS = 3_600_000;
  const old = now - 6 * HOUR_MS;
  const history = (fromMs: number) =>
    Array.from({ length: 200 }, (_, i) => ({ timestampMs: fromMs + i * 1000, value: i / 4 }));
  const send = (metric: string, points: readonly { timestampMs: number; value: number }[]) =>
    sendRemoteWrite(url, [{ labels: { __name__: metric, place: 'hall' }, samples: points }]);
  const flush = () => fetch(`${url}/api/v1/admin/flush`, { method: 'POST' });
  const readBack = async (metric: string, fromMs: number, from = url) => {
    const [series] = await samples(from, metric, '1h', fromMs + HOUR_MS / 2);
    expect(series?.values.map(([s, value]) => ({ timestampMs: Math.round(s * 1000), value: Number(value) }))).toEqual(
      history(fromMs),
    );
  };

  await send('in_a_bucket', history(old));
  const flushed = await flush();
  expect(flushed.status, await flushed.text()).toBe(200);
  await readBack('in_a_bucket', old);
  expect(existsSync(join(server.dataFolder, 'objects'))).toBe(false);

  await s3.process?.kill9();
  await send('while_away', history(old - 2 * HOUR_MS));
  await send('recent', [{ timestampMs: now, value: 7 }]);
  await until('what came meanwhile is answered', 30_000, async () => {
    const [recent] = await vector(url, 'recent');
    return recent?.value[1] === '7' ? true : undefined;
  });
  expect((await flush()).status).not.toBe(200);
  await readBack('while_away', old - 2 * HOUR_MS);
  await s3.restart();
  await until('what waited is sealed', 60_000, async () => ((await flush()).status === 200 ? true : undefined));

  await server.stop();
  await rm(join(server.dataFolder, 'store'), { recursive: true });
  await server.restart();
  // What it was asked before it is told to stop is answered from the bucket too.
  s3.process?.signal('SIGSTOP');
  const stopMeanwhile = async () => {
    await sleep(200);
    const stopped = server.stop();
    await sleep(200);
    s3.process?.signal('SIGCONT');
    return await stopped;
  };
  const [stopped] = await Promise.all([stopMeanwhile(), readBack('in_a_bucket', old)]);
  expect(stopped).toMatchObject({ code: 0 });
  await server.restart();
  await readBack('in_a_bucket', old);
  await readBack('while_away', old - 2 * HOUR_MS);
  const snapshot = await fetch(`${url}/api/v1/admin/tsdb/snapshot`, { method: 'POST' });
  const taken = await snapshot.text();
  expect(snapshot.status, taken).toBe(200);
  const config = await (await fetch(`${url}/api/v1/status/config`)).text();
  expect(config).not.toContain(s3.secretAccessKey);

  await server.stop();
  const verified = await runTidemark(['verify', server.dataFolder], { env });
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/s3:\/\/[^ ]+\/segments\/.*\d+ ok, 0 damaged/s),
  });

  // The snapshot has it all in its own folder, and wants nothing of the bucket.
  const { name } = (JSON.parse(taken) as { data: { name: string } }).data;
  const dataFolder = join(server.dataFolder, 'snapshots', name);
  expect(await runTidemark(['verify', dataFolder], { env })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ok +objects\/segments\/.*\d+ ok, 0 damaged/ms),
  });
  await expect(startTidemark({ env, dataFolder })).rejects.toThrow(/is a snapshot of a Tidemark that keeps its sealed/);
  await s3.process?.kill9();
  await using restored = await startTidemark({ dataFolder });
  await readBack('in_a_bucket', old, restored.url);
  await readBack('while_away', old - 2 * HOUR_MS, restored.url);
});

test('an S3 server that does not answer at the start is waited for, and no reason not to end', {
  timeout: 180_000,
}, async () => {
  await using s3 = await startS3({ own: true });
  // It takes connections, and never says a word.
  s3.process?.signal('SIGSTOP');
  const env = { ...inBucket(s3), TIDEMARK_STORE_S3_TIMEOUT: '500ms' };
  await using server = await startTidemark({ env, readyPath: '/-/healthy' });
  const { url } = server;
  const ready = async () => {
    const response = await fetch(`${url}/-/ready`);
    return [response.status, await response.text()];
  };
  const notKnown = /^Tidemark is not ready: what is sealed in s3:\/\/.* is not known.*no answer within/;
  const isUp = () =>
    until('it takes samples', 30_000, async () => (notKnown.test(String((await ready())[1])) ? true : undefined));
  await isUp();
  const send = (value: number) =>
    sendRemoteWrite(url, [{ labels: { __name__: 'early' }, samples: [{ timestampMs: now - 1000 + value, value }] }]);
  const now = Math.floor(await serverNow(url));
  expect((await send(1)).status).toBe(204);

  // Told to end, it ends; what was taken is on the log.
  const stopping = performance.now();
  expect(await server.stop()).toMatchObject({ code: 0 });
  expect(performance.now() - stopping).toBeLessThan(10_000);
  await server.restart();
  await isUp();
  expect((await send(2)).status).toBe(204);
  s3.process?.signal('SIGCONT');
  await until('it is ready', 90_000, async () => ((await ready())[0] === 200 ? true : undefined));
  await until('what came meanwhile is answered', 30_000, async () => {
    const [early] = await samples(url, 'early', '1h', now + 1000);
    return early?.values.length === 2 ? true : undefined;
  });
});

test('where no S3 server is, a start says within seconds what it waits for, and ends when told to', {
  timeout: 120_000,
}, async () => {
  const env = {
    TIDEMARK_STORE_OBJECTS: 'S3://bucket',
    TIDEMARK_STORE_S3_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    TIDEMARK_STORE_S3_ACCESS_KEY_ID: 'any',
    TIDEMARK_STORE_S3_SECRET_ACCESS_KEY: 'any',
  };
  await using server = await startTidemark({ env, readyPath: '/-/healthy' });
  await until('it says what it waits for', 10_000, async () => {
    const text = await (await fetch(`${server.url}/-/ready`)).text();
    const says = /^Tidemark is starting: S3 at .*, bucket bucket has not answered for \d+ s: .*ECONNREFUSED/;
    return says.test(text) || undefined;
  });
  const stopping = performance.now();
  expect(await server.stop()).toMatchObject({ code: 0 });
  expect(performance.now() - stopping).toBeLessThan(5_000);
});

test('a bucket that is named wrong is said at the start', async () => {
  await expect(startTidemark({ env: { TIDEMARK_STORE_OBJECTS: 's3://No_Bucket' } })).rejects.toThrow(
    /store\.objects.*must be a folder, s3:\/\/bucket/,
  );
});
