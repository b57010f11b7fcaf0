import { crc32c } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// A folder or a bucket that a newer program wrote to: this one refuses, says which file it is, and leaves everything as it was.

const TP = { topic: 'tidemark.raw', partition: 0 };
const MANIFEST = 'manifests/tidemark.raw/0.manifest';
const HOUR = 3_600_000;

/** The file as a program would write it whose formats are three versions later. */
function newer(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[6] = (copy[6] as number) + 3;
  new DataView(copy.buffer).setUint32(copy.length - 4, crc32c(copy, 0, copy.length - 4), true);
  return copy;
}

async function world(): Promise<World> {
  const world = new World();
  world.options = { supplementAfterMs: 0, compactAfterMs: 0 };
  await world.open();
  for (let hour = 0; hour < 7; hour++) {
    const builder = new BatchBuilder('default');
    builder.addLabels(labelsOf({ __name__: 'up', host: 'a' }), world.clock.nowMs(), hour);
    const batch = {
      ...builder.build(world.clock.nowMs()),
      metadata: [{ metric: 'up', type: 'gauge', unit: '', help: `Hour ${hour}.` }] as const,
    };
    world.engine.applySamples({ ...TP, offset: hour, batch });
    await world.clock.advance(HOUR);
    await world.engine.checkpoint();
    expect((await world.engine.seal({ supplementsToo: true })).failures).toEqual([]);
  }
  return world;
}

async function answer({ engine }: World) {
  const { series, warnings } = await engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'up')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  return { points: series.map(({ timestampsMs, values }) => [[...timestampsMs], [...values]]), warnings };
}

/** Everything on the disk and in the bucket, by name. */
async function everything({ disk, objects }: World): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const name of ['metadata', 'metadata-copy']) all.set(name, Buffer.from(await disk.read(name)).toString('hex'));
  for await (const { name } of objects.list('')) {
    all.set(name, Buffer.from((await objects.get(name)).bytes).toString('hex'));
  }
  return all;
}

describe.each(['', '-copy'])('%s', (copy) => {
  test('a file of metadata', async () => {
    const it = await world();
    const before = await answer(it);
    await it.engine.close();
    const name = `metadata${copy}`;
    const bytes = await it.disk.read(name);
    await it.disk.writeAtomic(name, newer(bytes));
    const found = await everything(it);
    await expect(it.open()).rejects.toMatchObject({
      code: 'STORAGE_NEWER',
      message: expect.stringContaining(`${name}: a file of metadata of version 3, and this program knows up to 0`),
    });
    expect(await everything(it)).toEqual(found);
    await it.disk.writeAtomic(name, bytes);
    await it.open();
    expect(await answer(it)).toEqual(before);
    expect([...it.engine.metadata({ tenant: 'default' })]).toHaveLength(1);
  });

  test('a manifest', async () => {
    const it = await world();
    const before = await answer(it);
    await it.engine.close();
    const name = `${MANIFEST}${copy}`;
    const { bytes, etag } = await it.objects.get(name);
    const changed = await it.objects.putIfMatches(name, newer(bytes), etag);
    const found = await everything(it);
    // As where the bucket is away: what is in the head is there, answers say what is missing, intake goes on.
    await it.open();
    expect(it.engine.sealedUnknown).toContain(`${name}: a manifest of version 5, and this program knows up to 2`);
    expect((await answer(it)).warnings.join()).toContain('sealed segments of tidemark.raw/0 are unknown');
    expect(await everything(it)).toEqual(found);
    await it.engine.close();
    await it.objects.putIfMatches(name, bytes, changed);
    await it.open();
    expect(await answer(it)).toEqual(before);
    expect(before.points[0]?.[0]).toHaveLength(7);
  });
});

test('a manifest that becomes newer while the engine runs: no seal changes it, and intake goes on', async () => {
  const it = await world();
  const { bytes, etag } = await it.objects.get(MANIFEST);
  await it.objects.putIfMatches(MANIFEST, newer(bytes), etag);
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'up', host: 'a' }), it.clock.nowMs(), 100);
  it.engine.applySamples({ ...TP, offset: 7, batch: builder.build(it.clock.nowMs()) });
  await it.clock.advance(6 * HOUR);
  await it.engine.checkpoint();
  const { failures } = await it.engine.seal({ supplementsToo: true });
  expect(failures.join()).toContain('a newer Tidemark wrote it');
  expect(Buffer.from((await it.objects.get(MANIFEST)).bytes).equals(newer(bytes))).toBe(true);
  expect((await answer(it)).points[0]?.[0]).toHaveLength(8);
});
