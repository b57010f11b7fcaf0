import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { crc32c } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { emptyRow, sectionLabels } from '@tidemark/model';
import { expect, test } from 'vitest';
import { AdmissionClock } from './admission-clock.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { type HourBlock, readHour } from './hour-block.ts';
import { HourStore } from './hour-store.ts';
import { MemoryKeyValueStore } from './memory-key-value.ts';
import { FILE_KIND, openStateFile } from './state-file.ts';
import { decodeToken } from './window-files.ts';
import { WindowPointStore } from './window-store.ts';

// The page docs/format/state-store.md is read by the code it describes.

const page = readFileSync(new URL('../../../../docs/format/state-store.md', import.meta.url), 'utf8');

/** The bytes of the block so called; what stands behind two blanks is a remark. */
function hexOf(name: string): Uint8Array {
  const block = new RegExp(`\`\`\`hex ${name}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (block === undefined) throw new Error(`the page has no block ${name}`);
  const bytes = block.split('\n').flatMap((line) => (line.split(/ {2,}/)[0] as string).split(' ').filter(Boolean));
  return Uint8Array.from(bytes.map((byte) => Number.parseInt(byte, 16)));
}

test('the manifest is what the page says, both ways', () => {
  const checkpoint = {
    taskId: '0_3',
    sequence: 7,
    streamTimeMs: 45_000,
    positions: [{ topic: 'tidemark.raw', partition: 3, offset: 42 }],
    tokens: new Map([['open-windows', hexOf('token')]]),
  };
  const bytes = hexOf('checkpoint');
  expect(decodeCheckpoint(openStateFile(bytes, FILE_KIND.manifest, 'page'))).toEqual(checkpoint);
  expect([...encodeCheckpoint(checkpoint)]).toEqual([...bytes]);
});

test('the token names the files of the page', () => {
  expect(decodeToken(hexOf('token'))).toEqual({
    epoch: 1,
    completeFromMs: Number.NEGATIVE_INFINITY,
    marks: [{ clockMs: 45_000, offset: 41 }],
    seriesFiles: [7],
    windows: [{ endMs: 60_000, sequence: 7, emitted: false }],
    closedEndsMs: [],
  });
});

test('a store restored from the page’s files holds the page’s points', async () => {
  const disk = new SimDisk();
  await disk.writeAtomic('w/series-7', hexOf('series'));
  await disk.writeAtomic('w/window-60000-7', hexOf('window'));
  const store = new WindowPointStore('open-windows', { windowMs: 60_000 });
  await store.restore({ disk, path: 'w' }, hexOf('token'));
  const [tenant] = store.tenants;
  expect(tenant?.name).toBe('acme');
  expect(tenant && sectionLabels(tenant.series.sectionOf(Uint32Array.of(0)), 0)).toEqual([
    { name: '__name__', value: 'up' },
  ]);
  const points: unknown[] = [];
  for (const window of store.windows()) {
    window.parts[0]?.forEachSlot((block, slot, ref) => {
      const start = block.starts[slot] as number;
      for (let i = start; i < start + (block.counts[slot] as number); i++) {
        points.push([ref, block.times[i], block.values[i], window.baseOffset + (block.highest[slot] as number)]);
      }
    });
  }
  expect(points).toEqual([
    [0, 20_000, 1, 41],
    [0, 40_000, 2.5, 41],
  ]);
  for (const window of store.windows()) window.changed = true;
  await store.checkpoint({ sequence: 7 });
  expect([...(await disk.read('w/window-60000-7'))]).toEqual([...hexOf('window')]);
});

test('an hour store restored from the page’s file has the page’s row, and writes it again', async () => {
  const disk = new SimDisk();
  await disk.writeAtomic('h/hour-3600000-7', hexOf('hour'));
  const store = new HourStore('open-hours');
  await store.restore({ disk, path: 'h' }, hexOf('hour-token'));
  const block = store.get(3_600_000)?.parts.get('acme')?.[0] as HourBlock;
  const row = emptyRow(0);
  expect(readHour(block, 0, 0, row)).toBe(true);
  expect(row).toEqual({
    count: 2,
    sum: 3.5,
    compensation: 0,
    min: 1,
    max: 2.5,
    first: 1,
    firstMs: 20_000,
    last: 2.5,
    lastMs: 40_000,
    increase: 1.5,
  });
  expect(block.offset[0]).toBe(41);
  for (const hour of store.hours()) hour.changed = true;
  expect([...(await store.checkpoint({ sequence: 7 }))]).toEqual([...hexOf('hour-token')]);
  expect([...(await disk.read('h/hour-3600000-7'))]).toEqual([...hexOf('hour')]);
});

test('the clock’s token is what the page says, both ways', async () => {
  const clock = new AdmissionClock('clock', { behindMs: 1, settleMs: 1 });
  await clock.restore(undefined, hexOf('clock-token'));
  expect(clock.nowMs).toBe(45_000);
  expect([...(await clock.checkpoint())]).toEqual([...hexOf('clock-token')]);
});

test('a key-value store restored from the page’s file has the page’s entry', async () => {
  const disk = new SimDisk();
  await disk.writeAtomic('kv/entries-7', hexOf('entries'));
  const store = new MemoryKeyValueStore('kv');
  await store.restore({ disk, path: 'kv' }, Uint8Array.of(7));
  expect(Buffer.from(store.get(Buffer.from('k')) as Uint8Array).toString()).toBe('v1');
});

test('no file of the page survives a cut or a flipped bit', () => {
  for (const [name, kind] of [
    ['checkpoint', FILE_KIND.manifest],
    ['series', FILE_KIND.series],
    ['window', FILE_KIND.window],
    ['entries', FILE_KIND.entries],
    ['hour', FILE_KIND.hour],
  ] as const) {
    const whole = hexOf(name);
    const refused = expect.objectContaining({ code: 'STATE_CORRUPT' });
    for (let length = 0; length < whole.length; length++) {
      expect(() => openStateFile(whole.slice(0, length), kind, name)).toThrow(refused);
    }
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = whole.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => openStateFile(flipped, kind, name)).toThrow(refused);
    }
  }
});

test('a file of version 0, whose checksum is crc32c, is read; one of a newer version is refused as such', () => {
  const bytes = hexOf('entries');
  const put = (version: number, sum: (bytes: Uint8Array) => number) => {
    bytes[4] = version;
    new DataView(bytes.buffer).setUint32(bytes.length - 4, sum(bytes.subarray(0, -4)), true);
  };
  put(0, (all) => crc32c(all));
  expect(openStateFile(bytes, FILE_KIND.entries, 'old').left).toBeGreaterThan(0);
  put(2, (all) => crc32(all));
  expect(() => openStateFile(bytes, FILE_KIND.entries, 'new')).toThrow(
    expect.objectContaining({ code: 'STATE_VERSION' }),
  );
});
