import { SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, labelsOf, type SampleBatch, STALE_HIGH, STALE_LOW, wordsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { beginStateFile, FILE_KIND, sealStateFile } from './state-file.ts';
import { encodeToken } from './window-files.ts';
import { makeTally, WindowPointStore } from './window-store.ts';

const MINUTE_MS = 60_000;
const POLICY = { closedThroughMs: 0, latestMs: 1e9 };

function batchOf(tenant: string, points: readonly (readonly [series: string, timestampMs: number, value: number])[]) {
  const builder = new BatchBuilder(tenant);
  for (const [series, timestampMs, value] of points)
    builder.addLabels(labelsOf({ __name__: series }), timestampMs, value);
  return builder.build(0);
}

async function fresh(disk = new SimDisk()) {
  const store = new WindowPointStore('w', { windowMs: MINUTE_MS });
  await store.restore({ disk, path: 'w' }, undefined);
  return { store, disk };
}

async function restored(disk: SimDisk, token: Uint8Array) {
  const store = new WindowPointStore('w', { windowMs: MINUTE_MS });
  await store.restore({ disk, path: 'w' }, token);
  return store;
}

/** `tenant/ref@time=value` of every point. */
function contentOf(store: WindowPointStore): string[] {
  const content: string[] = [];
  for (const window of store.windows()) {
    window.parts.forEach((part, tenant) => {
      part?.forEachSlot((block, slot, ref) => {
        const start = block.starts[slot] as number;
        for (let i = start; i < start + (block.counts[slot] as number); i++) {
          const atMs = window.endMs - MINUTE_MS + (block.times[i] as number);
          content.push(`${store.tenants[tenant]?.name}/${ref}@${atMs}=${block.values[i]}`);
        }
      });
    });
  }
  return content;
}

function append(store: WindowPointStore, batch: SampleBatch, offset: number) {
  const tally = makeTally();
  store.append(batch, offset, POLICY, tally);
  return tally;
}

test('a checkpoint brings back every point of every tenant', async () => {
  const { store, disk } = await fresh();
  append(
    store,
    batchOf('b', [
      ['x', 70_000, 1],
      ['y', 70_000, 2],
      ['x', 65_000, 3],
    ]),
    0,
  );
  append(
    store,
    batchOf('a', [
      ['x', 120_000, 4],
      ['x', 120_001, 5],
    ]),
    1,
  );
  const token = await store.checkpoint({ sequence: 1 });
  const again = await restored(disk, token);
  expect(contentOf(again)).toEqual(['b/0@65000=3', 'b/0@70000=1', 'b/1@70000=2', 'a/0@120000=4', 'a/0@120001=5']);
  // And goes on where it was: the same series have the same numbers.
  append(
    again,
    batchOf('b', [
      ['y', 80_000, 6],
      ['z', 80_000, 7],
    ]),
    2,
  );
  expect(contentOf(again)).toContain('b/1@80000=6');
  expect(contentOf(again)).toContain('b/2@80000=7');
});

test('only what changed is written again, and what no manifest needs is removed', async () => {
  const { store, disk } = await fresh();
  append(
    store,
    batchOf('a', [
      ['x', 70_000, 1],
      ['x', 130_000, 1],
    ]),
    0,
  );
  await store.checkpoint({ sequence: 1 });
  await store.settled();
  expect(await disk.list('w')).toEqual(['series-1', 'window-120000-1', 'window-180000-1']);
  append(store, batchOf('a', [['x', 140_000, 1]]), 1);
  await store.checkpoint({ sequence: 2 });
  expect(await disk.list('w')).toEqual(['series-1', 'window-120000-1', 'window-180000-1', 'window-180000-2']);
  await store.settled();
  expect(await disk.list('w')).toEqual(['series-1', 'window-120000-1', 'window-180000-2']);
});

test('files of new series are written as one before they are many', async () => {
  const { store, disk } = await fresh();
  for (let sequence = 1; sequence <= 40; sequence++) {
    append(store, batchOf('a', [[`s${sequence}`, 70_000 + sequence, sequence]]), sequence);
    const token = await store.checkpoint({ sequence });
    await store.settled();
    const files = (await disk.list('w')).filter((name) => name.startsWith('series-'));
    expect(files.length).toBeLessThanOrEqual(16);
    expect(contentOf(await restored(disk, token))).toEqual(contentOf(store));
  }
});

test('bits of NaNs survive a hot loop, a disorder and a checkpoint', async () => {
  const { store, disk } = await fresh();
  const count = 30_000;
  const batch = batchOf(
    'a',
    Array.from({ length: count }, (_, i) => ['x', 60_001 + ((i * 7) % count), 0] as const),
  );
  const words = wordsOf(batch.values);
  for (let i = 0; i < count; i++) {
    // Stale markers, another signalling NaN, a quiet NaN with a payload, and numbers, all mixed.
    const kind = i % 4;
    words[i * 2] = kind === 0 ? STALE_LOW : i;
    words[i * 2 + 1] = [STALE_HIGH, 0x7ff0_0001, 0xfff8_beef, 0x4000_0000][kind] as number;
  }
  expect(append(store, batch, 0).accepted).toBe(count);
  const again = await restored(disk, await store.checkpoint({ sequence: 1 }));
  const block = again.windows()[0]?.parts[0]?.blocks[0];
  expect(block?.counts[0]).toBe(count);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const at = (block?.starts[0] as number) + ((i * 7) % count);
    if (block?.words[at * 2] !== words[i * 2] || block?.words[at * 2 + 1] !== words[i * 2 + 1]) wrong++;
  }
  expect(wrong).toBe(0);
});

// Files whose checksum fits and whose content does not.
const nonsense: readonly [string, (writer: ReturnType<typeof beginStateFile>) => void][] = [
  ['a block of series nobody named', (w) => block(w, { index: 1, counts: [1], times: [1] })],
  ['no slots', (w) => block(w, { index: 0, counts: [], times: [] })],
  ['times that do not rise', (w) => block(w, { index: 0, counts: [2], times: [5, 5] })],
  ['a time of zero', (w) => block(w, { index: 0, counts: [1], times: [0] })],
  ['a time after the window', (w) => block(w, { index: 0, counts: [1], times: [60_001] })],
  ['more points than bytes', (w) => block(w, { index: 0, counts: [60_000], times: [1] })],
  [
    'bytes too many',
    (w) => {
      block(w, { index: 0, counts: [1], times: [1] });
      w.u8(0);
    },
  ],
];

function block(
  writer: ReturnType<typeof beginStateFile>,
  b: { index: number; counts: number[]; times: number[] },
): void {
  writer.uvarint(b.index);
  writer.uvarint(b.counts.length);
  const u16 = (value: number) => {
    writer.u8(value & 0xff);
    writer.u8(value >>> 8);
  };
  b.counts.forEach(u16);
  for (const _ of b.counts) writer.u32(0);
  b.times.forEach(u16);
  for (const _ of b.times) writer.f64(1);
}

test.each(nonsense)('a window file with %s is refused', async (_what, write) => {
  const { store, disk } = await fresh();
  append(store, batchOf('a', [['x', 70_000, 1]]), 0);
  await store.checkpoint({ sequence: 1 });
  const writer = beginStateFile(FILE_KIND.window);
  writer.uvarint(1);
  writer.uvarint(1);
  writer.zigzag(120_000);
  writer.uvarint(0);
  writer.uvarint(1);
  writer.text('a');
  writer.uvarint(0);
  writer.uvarint(1);
  write(writer);
  await disk.writeAtomic('w/window-120000-1', sealStateFile(writer));
  const token = encodeToken({
    epoch: 1,
    completeFromMs: 0,
    marks: [],
    seriesFiles: [1],
    windows: [{ endMs: 120_000, sequence: 1, emitted: false }],
    closedEndsMs: [],
  });
  await expect(restored(disk, token)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
});

test('files of other checkpoints, windows or epochs are refused under a wrong name', async () => {
  const { store, disk } = await fresh();
  append(
    store,
    batchOf('a', [
      ['x', 70_000, 1],
      ['x', 130_000, 1],
    ]),
    0,
  );
  const token = await store.checkpoint({ sequence: 1 });
  const one = await disk.read('w/window-120000-1');
  const two = await disk.read('w/window-180000-1');
  await disk.writeAtomic('w/window-120000-1', two);
  await expect(restored(disk, token)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  await disk.writeAtomic('w/window-120000-1', one);
  expect(contentOf(await restored(disk, token)).length).toBe(2);
});
