import { describe, expect, test } from 'vitest';
import { RAW, raw, valuesOf } from '../src/conformance/traits.ts';
import { journalName } from '../src/embedded/file-name.ts';
import { FILE_HEADER_BYTES } from '../src/embedded/format.ts';
import { type InspectedFrame, inspectJournal } from '../src/embedded/inspect.ts';
import { changed, diskOf, FIRST, type Files, FOLDER, filesOf, journalOf, metric, openOn, outcome } from './disks.ts';

// What damage does, byte by byte: a torn write is cut off, rot is refused, and nothing acknowledged ever goes quietly.

const APPENDS: (readonly [number, string][])[] = [
  [[0, 'alpha']],
  [
    [0, 'beta'],
    [1, 'gamma'],
  ],
  [[2, 'delta is the last one']],
];
const ALL = { values: [['alpha', 'beta'], ['gamma'], ['delta is the last one']] };
const WITHOUT_LAST = { values: [['alpha', 'beta'], ['gamma'], []] };

async function framesOf(files: Files): Promise<(InspectedFrame & { state: 'ok' })[]> {
  const frames: (InspectedFrame & { state: 'ok' })[] = [];
  for await (const frame of inspectJournal(await diskOf(files), FOLDER)) {
    if (frame.state === 'bad') throw new Error(`bad frame: ${frame.reason}`);
    frames.push(frame);
  }
  return frames;
}

const cutAt = (size: number) => (bytes: Uint8Array) => bytes.subarray(0, size);
const flipped = (position: number, bit: number) => (bytes: Uint8Array) => {
  bytes[position] = (bytes[position] as number) ^ (1 << bit);
  return bytes;
};
const zeroed = (from: number, to: number) => (bytes: Uint8Array) => bytes.fill(0, from, to);

describe('a torn write at the end', () => {
  test('cut at every byte of the last frame: all before it is there, and appends go on', async () => {
    const files = await journalOf(APPENDS, { sealed: false });
    const last = (await framesOf(files)).at(-1);
    if (!last) throw new Error('no frames');
    expect(last.kind).toBe('records');
    for (let size = last.position; size < last.position + last.bytes; size++) {
      const torn = changed(files, FIRST, cutAt(size));
      expect(await outcome(torn), `cut at ${size}`).toEqual(WITHOUT_LAST);
      const disk = await diskOf(torn);
      const { log, metrics } = await openOn(disk);
      expect(metric(metrics, 'tidemark_log_torn_bytes_total')).toBe(size - last.position);
      expect(await log.append([raw(2, 'instead')])).toEqual([0]);
      await log.close();
      expect(await outcome(await filesOf(disk))).toEqual({ values: [['alpha', 'beta'], ['gamma'], ['instead']] });
    }
  });

  test('the bytes that were cut off are kept beside the journal, and only the latest few', async () => {
    let files = await journalOf(APPENDS, { sealed: false });
    for (let round = 0; round < 6; round++) {
      const last = (await framesOf(files)).at(-1);
      if (!last) throw new Error('no frames');
      const torn = changed(files, FIRST, (bytes) => Uint8Array.from([...bytes, 0xde, 0xad, round]));
      const disk = await diskOf(torn);
      const { log } = await openOn(disk);
      const kept = await disk.read(`${FOLDER}/00000001-${last.position + last.bytes}.torn`);
      expect([...kept]).toEqual([0xde, 0xad, round]);
      await log.append([raw(0, `round ${round}`)]);
      await log.close();
      files = await filesOf(disk);
    }
    expect([...files.keys()].filter((name) => name.endsWith('.torn'))).toHaveLength(4);
  });

  test('a group of which an earlier frame is torn and a later one whole is cut at the torn one', async () => {
    // One write and one sync for three appends: a power loss may keep the last sectors and lose the first.
    const disk = await diskOf(await journalOf([[[0, 'kept']]], { sealed: true }));
    const { log } = await openOn(disk);
    const before = disk.syncCount;
    await Promise.all(['one', 'two', 'three'].map((value) => log.append([raw(0, value)])));
    expect(disk.syncCount).toBe(before + 1);
    const files = await filesOf(disk.crash({ seed: 1, keep: 'written' }));
    const frames = await framesOf(files);
    const group = frames.slice(-3);
    expect(group.map(({ kind }) => kind)).toEqual(['records', 'records', 'records']);
    for (const [i, wanted] of [['kept'], ['kept', 'one'], ['kept', 'one', 'two']].entries()) {
      const { position, bytes } = group[i] as InspectedFrame & { state: 'ok' };
      const torn = changed(files, FIRST, zeroed(position, position + bytes));
      expect(await outcome(torn)).toMatchObject({ values: [wanted, [], []] });
    }
  });

  test('sectors of zeros behind the last frame are cut off', async () => {
    const files = await journalOf(APPENDS, { sealed: false });
    for (const zeros of [1, 19, 20, 511, 512, 4096]) {
      const longer = changed(files, FIRST, (bytes) => {
        const out = new Uint8Array(bytes.length + zeros);
        out.set(bytes);
        return out;
      });
      expect(await outcome(longer)).toEqual(ALL);
    }
  });
});

describe('rot', () => {
  test('every bit of a sealed journal, flipped: refused, or exactly what was acknowledged', {
    timeout: 180_000,
  }, async () => {
    const files = await journalOf(APPENDS, { sealed: true });
    const frames = await framesOf(files);
    expect(frames.at(-1)?.kind).toBe('mark');
    const markAt = frames.at(-1)?.position as number;
    const size = files.get(FIRST)?.length as number;
    for (let position = 0; position < size; position++) {
      for (let bit = 0; bit < 8; bit++) {
        const found = await outcome(changed(files, FIRST, flipped(position, bit)));
        // A bad mark at the very end is a torn mark: nothing acknowledged is in it.
        if (position >= markAt) expect(found, `bit ${bit} of byte ${position}`).toEqual(ALL);
        else expect(found, `bit ${bit} of byte ${position}`).toMatchObject({ code: 'LOG_CORRUPT' });
      }
    }
  });

  test('a flipped bit in the last commit before its mark looks like a torn write, and in no other', async () => {
    const files = await journalOf(APPENDS, { sealed: false });
    const last = (await framesOf(files)).at(-1)?.position as number;
    const size = files.get(FIRST)?.length as number;
    for (let position = FILE_HEADER_BYTES; position < size; position++) {
      const found = await outcome(changed(files, FIRST, flipped(position, position % 8)));
      if (position >= last) expect(found).toEqual(WITHOUT_LAST);
      else expect(found, `byte ${position}`).toMatchObject({ code: 'LOG_CORRUPT' });
    }
  });

  test('sectors of zeros in the middle are refused, with file, byte and what to do', async () => {
    const files = await journalOf(
      Array.from({ length: 60 }, (_, i) => [[0, `${i} ${'x'.repeat(50)}`]] as [number, string][]),
      { sealed: true },
    );
    for (const sector of [1, 3, 6]) {
      const found = await outcome(changed(files, FIRST, zeroed(sector * 512, (sector + 1) * 512)));
      expect(found).toMatchObject({ code: 'LOG_CORRUPT', message: expect.stringContaining(FIRST) });
      expect(found).toMatchObject({ message: expect.stringMatching(/at byte \d+: .*tidemark inspect/s) });
    }
  });

  test('refusing changes nothing on disk', async () => {
    const files = await journalOf(APPENDS, { sealed: true });
    const damaged = changed(files, FIRST, flipped(200, 0));
    const disk = await diskOf(damaged);
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    expect(await filesOf(disk)).toEqual(new Map([...damaged].filter(([path]) => !path.endsWith('lock'))));
  });

  test('damage, or a cut, in a file that is not the last is never a torn write', async () => {
    const many = Array.from({ length: 40 }, (_, i) => [[0, `${i} ${'x'.repeat(40)}`]] as [number, string][]);
    const files = await journalOf(many, { sealed: false, log: { fileBytesMax: 1500 } });
    expect(files.has(`${FOLDER}/${journalName(3)}`)).toBe(true);
    const second = `${FOLDER}/${journalName(2)}`;
    const size = files.get(second)?.length as number;
    for (const change of [flipped(size - 3, 1), cutAt(size - 5), cutAt(10), zeroed(0, 8), cutAt(0)]) {
      expect(await outcome(changed(files, second, change))).toMatchObject({
        code: expect.stringMatching(/LOG_(CORRUPT|FOREIGN)/),
      });
    }
    // Cut exactly between two frames: the next file says how long it was.
    const frames = (await framesOf(files)).filter(({ file }) => file === second);
    expect(await outcome(changed(files, second, cutAt(frames.at(-1)?.position as number)))).toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('the next one says'),
    });
    const missing = new Map(files);
    missing.delete(second);
    expect(await outcome(missing)).toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('is missing'),
    });
  });

  test('a frame that was read well at open and is damaged since is refused when read back', async () => {
    const disk = await diskOf(await journalOf(APPENDS, { sealed: true }));
    const { log } = await openOn(disk);
    const frames = await framesOf(await filesOf(disk));
    const first = frames.find(({ kind }) => kind === 'records');
    disk.flipBit(FIRST, (first?.position ?? 0) + 30, 0);
    await expect(valuesOf(log, RAW.name, 0)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await log.close();
  });
});

describe('files of others', () => {
  test('a file that is not ours is foreign, a newer one is named with its version', async () => {
    const files = await journalOf(APPENDS, { sealed: true });
    const foreign = changed(files, FIRST, (bytes) => Uint8Array.from(bytes, (_, i) => i & 0xff));
    expect(await outcome(foreign)).toMatchObject({ code: 'LOG_FOREIGN', message: expect.stringContaining(FIRST) });
    const { encodeFileHeader } = await import('../src/embedded/file-header.ts');
    const newer = changed(files, FIRST, (bytes) => {
      bytes.set(encodeFileHeader({ number: 1, salt: 5, createdMs: 5 }, 3));
      return bytes;
    });
    expect(await outcome(newer)).toMatchObject({ code: 'LOG_VERSION', message: expect.stringContaining('version 3') });
  });

  test('a file under another number is refused', async () => {
    const files = await journalOf(APPENDS, { sealed: true });
    const renamed = new Map([[`${FOLDER}/${journalName(9)}`, files.get(FIRST) as Uint8Array]]);
    expect(await outcome(renamed)).toMatchObject({ code: 'LOG_CORRUPT', message: expect.stringContaining('number 1') });
  });

  test('a file that was not finished when the process died is removed', async () => {
    const files = await journalOf(APPENDS, { sealed: true });
    const left = `${FOLDER}/${journalName(2)}.new`;
    const disk = await diskOf(new Map([...files, [left, Uint8Array.of(1, 2, 3)]]));
    const { log } = await openOn(disk);
    expect(await disk.exists(left)).toBe(false);
    await log.close();
  });
});
