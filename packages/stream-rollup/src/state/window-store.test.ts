import { SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, labelsOf, type SampleBatch, STALE_HIGH, STALE_LOW, wordsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { PackedBlock } from './packed-block.ts';
import { SlotBlock } from './slot-block.ts';
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
  const block = again.windows()[0]?.parts[0]?.read(0, new SlotBlock(0));
  expect(block?.counts[0]).toBe(count);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const at = (block?.starts[0] as number) + ((i * 7) % count);
    if (block?.words[at * 2] !== words[i * 2] || block?.words[at * 2 + 1] !== words[i * 2 + 1]) wrong++;
  }
  expect(wrong).toBe(0);
});

/** As the processor does when the rows of each window go out. */
function emitAll(store: WindowPointStore, ...atMs: number[]): void {
  for (const [i, window] of store.windows().entries()) {
    window.emitted = true;
    window.emittedAtMs = atMs[i] as number;
    window.packed = false;
    for (const part of window.parts) {
      for (const block of part?.blocks ?? []) {
        if (!(block instanceof SlotBlock)) continue;
        block.emitted = true;
        block.clearDirty();
      }
    }
  }
}

const isPacked = (store: WindowPointStore) =>
  store
    .windows()
    .flatMap(({ parts }) => parts.flatMap((part) => part?.blocks.map((each) => each instanceof PackedBlock)));

test('a window is packed a while after its rows are out, takes late points, and is written and read as before', async () => {
  const { store, disk } = await fresh();
  const names = Array.from({ length: 1300 }, (_, i) => `s${i}`);
  const minute = (beginMs: number) =>
    batchOf(
      'a',
      [1_000, 11_000, 21_000].flatMap((ms) => names.map((name, i) => [name, beginMs + ms, i * ms] as const)),
    );
  append(store, minute(0), 0);
  append(store, minute(MINUTE_MS), 1);
  const before = contentOf(store);
  emitAll(store, 65_000, 125_000);
  store.packSentUntil(75_000);
  expect(isPacked(store)).toEqual([true, true, true, false, false, false]);
  expect(contentOf(store)).toEqual(before);
  store.packSentUntil(135_000);
  expect(isPacked(store)).toEqual([true, true, true, true, true, true]);
  const token = await store.checkpoint({ sequence: 1 });
  await store.settled();
  expect(contentOf(store)).toEqual(before);
  expect(contentOf(await restored(disk, token))).toEqual(before);

  // One late point, one that was there, one that replaces: of the first block alone.
  const late = append(
    store,
    batchOf('a', [
      ['s7', 31_000, 1.5],
      ['s8', 1_000, 8_000],
      ['s9', 1_000, -1],
    ]),
    2,
  );
  expect(late).toMatchObject({ accepted: 2, late: 2, duplicate: 1, replaced: 1 });
  expect(isPacked(store)).toEqual([false, true, true, true, true, true]);
  const changed = contentOf(store);
  expect(changed.length).toBe(before.length + 1);
  // What is not sent yet is written, and stays open.
  store.packSentUntil(140_000);
  const again = await restored(disk, await store.checkpoint({ sequence: 2 }));
  expect(isPacked(store)).toEqual([false, true, true, true, true, true]);
  expect(contentOf(again)).toEqual(changed);
  emitAll(store, 145_000, 145_000);
  store.packSentUntil(144_999);
  expect(isPacked(store)).toEqual([false, true, true, true, true, true]);
  store.packSentUntil(145_000);
  expect(isPacked(store)).toEqual([true, true, true, true, true, true]);
  await store.checkpoint({ sequence: 3 });
  expect(contentOf(store)).toEqual(changed);
});

test('series are numbered anew through packed windows', async () => {
  const { store } = await fresh();
  append(
    store,
    batchOf(
      'a',
      Array.from({ length: 2_000 }, (_, i) => [`old${i}`, 1_000, i] as const),
    ),
    0,
  );
  append(
    store,
    batchOf('a', [
      ['old1999', 61_000, 1],
      ['new', 62_000, 2],
    ]),
    1,
  );
  emitAll(store, 65_000, 125_000);
  store.packSentUntil(125_000);
  store.free(store.windows()[0] as ReturnType<typeof store.windows>[number]);
  expect(store.forgetIdle(() => undefined)).toBeDefined();
  expect(contentOf(store)).toEqual(['a/0@61000=1', 'a/1@62000=2']);
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
