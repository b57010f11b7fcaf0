import { BatchBuilder, labelsOf } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { answerOf, TornWorld } from './torn-world.ts';
import { START_MS } from './world.ts';

// A checkpoint or a series file that is damaged stops no start. Two checkpoints are kept, each with a series file of its own, and the log
// is told to keep what the older of them has not: the newest damaged, nothing is missing. Both damaged, what windows and log have is
// answered, with a warning for the rest.

const TP = { topic: 'tidemark.raw', partition: 0 };
const FOLDER = 'shards/tidemark.raw/0';
const HOUR = 3_600_000;

function batchOf(offset: number) {
  const builder = new BatchBuilder('default');
  for (let series = 0; series < 4; series++) {
    for (let i = 0; i < 40; i++) {
      const labels = labelsOf({ __name__: 'm', instance: `host-${series}-${Math.floor(offset / 3)}` });
      // Each batch says some of the times of the one before again, otherwise.
      builder.addLabels(labels, START_MS + (offset * 30 + i) * 10_000, offset * 1000 + series + i / 4);
    }
  }
  return builder.build(START_MS);
}

/** What the log says, the last of each (series, time) standing. */
function truth(end: number): Map<string, number> {
  const points = new Map<string, number>();
  for (let offset = 0; offset < end; offset++) {
    for (let series = 0; series < 4; series++) {
      for (let i = 0; i < 40; i++) {
        const labels = `host-${series}-${Math.floor(offset / 3)}`;
        points.set(`${labels} ${START_MS + (offset * 30 + i) * 10_000}`, offset * 1000 + series + i / 4);
      }
    }
  }
  return points;
}

class Story {
  readonly world = new TornWorld();
  offset = 0;
  /** The log's first record: what was committed is gone. */
  logStart = 0;

  async append(count: number): Promise<void> {
    for (let i = 0; i < count; i++)
      this.world.engine.applySamples({ ...TP, offset: this.offset, batch: batchOf(this.offset++) });
    await this.world.clock.advance(count * 300_000);
  }

  async checkpoint(): Promise<void> {
    for (const { offset } of await this.world.engine.checkpoint()) this.logStart = offset;
  }

  async reopen(): Promise<void> {
    await this.world.open();
    const { engine } = this.world;
    const position = engine.position(TP);
    // Position 0: of nothing is known what it had.
    if (position > 0)
      expect(position, 'nothing is wanted that the log has let go').toBeGreaterThanOrEqual(this.logStart);
    for (let at = Math.max(position, this.logStart); at < this.offset; at++) {
      engine.applySamples({ ...TP, offset: at, batch: batchOf(at) });
    }
  }

  async answer(): Promise<{ points: Map<string, number>; warnings: readonly string[] }> {
    const { points, warnings } = await answerOf(this.world.engine);
    const values = new Map<string, number>();
    for (const [point, words] of points) {
      const [low, high] = words.split(' ').map(Number) as [number, number];
      const value = new Float64Array(Uint32Array.of(low, high).buffer)[0] as number;
      values.set(point.replace(/^.*"(host-[^"]+)".* /, '$1 '), value);
    }
    return { points: values, warnings };
  }

  /** Nothing is another than it should be; what is missing is missed with a warning. */
  async check({ whole }: { whole: boolean }): Promise<void> {
    const expected = truth(this.offset);
    const { points, warnings } = await this.answer();
    for (const [point, value] of points) expect([point, value]).toEqual([point, expected.get(point)]);
    if (whole) expect([points.size, warnings]).toEqual([expected.size, []]);
    else if (points.size < expected.size) expect(warnings.length).toBeGreaterThan(0);
  }

  files(kind: 'checkpoint' | 'series'): Promise<string[]> {
    return this.world
      .files(FOLDER)
      .then((files) => files.filter((file) => file.startsWith(`${FOLDER}/${kind}-`)).reverse());
  }

  /** Of the last: a bit in its midst flips, or it is cut there, or it is gone. */
  async harm(file: string, how: Harm): Promise<void> {
    const { disk } = this.world;
    const bytes = await disk.read(file);
    if (how === 'gone') {
      await disk.remove(file);
      return disk.syncFolder(FOLDER);
    }
    if (how === 'cut') return disk.writeAtomic(file, bytes.subarray(0, bytes.length >> 1));
    disk.flipBit(file, how === 'first bit' ? 0 : bytes.length >> 1, 3);
  }
}

type Harm = 'bit' | 'first bit' | 'cut' | 'gone';
const harms: readonly Harm[] = ['bit', 'first bit', 'cut', 'gone'];

async function lived({ seal }: { seal: boolean }): Promise<Story> {
  const story = new Story();
  await story.world.open();
  for (let round = 0; round < 3; round++) {
    await story.append(5);
    await story.checkpoint();
  }
  if (seal) {
    await story.world.clock.advance(3 * HOUR);
    await story.append(2);
    expect((await story.world.engine.seal()).windows.length).toBeGreaterThan(0);
  }
  await story.append(2);
  return story;
}

describe.each([{ seal: false }, { seal: true }])('%o', (how) => {
  test('two checkpoints are kept, of a series file each, and what the log may let go is what the older has', async () => {
    const story = await lived(how);
    expect((await story.files('checkpoint')).length).toBe(2);
    expect((await story.files('series')).length).toBe(2);
    const kept = story.world.engine.stats().shards[0]?.durablePosition ?? 0;
    expect(story.logStart).toBeLessThan(kept);
  });

  test.each(harms)('the newest checkpoint damaged (%s), nothing is missing', async (harm) => {
    const story = await lived(how);
    story.world.crash(1, 'synced');
    await story.harm((await story.files('checkpoint'))[0] as string, harm);
    await story.reopen();
    await story.check({ whole: true });
    for (let again = 0; again < 2; again++) {
      story.world.crash(2, 'synced');
      await story.reopen();
      await story.check({ whole: true });
      await story.append(1);
      await story.checkpoint();
      await story.world.engine.seal({ supplementsToo: true });
      await story.check({ whole: true });
    }
    expect((await story.files('checkpoint')).length).toBe(2);
  });

  test.each(harms)('a series file damaged (%s), nothing is missing', async (harm) => {
    for (const which of [0, 1]) {
      const story = await lived(how);
      story.world.crash(1, 'synced');
      await story.harm((await story.files('series'))[which] as string, harm);
      await story.reopen();
      await story.check({ whole: true });
      await story.append(1);
      await story.checkpoint();
      story.world.crash(3, 'synced');
      await story.reopen();
      await story.check({ whole: true });
    }
  });

  test.each(harms)('all checkpoints damaged (%s), it opens with what windows and the log have', async (harm) => {
    const story = await lived(how);
    story.world.crash(1, 'synced');
    if (harm === 'gone') await story.harm((await story.files('checkpoint'))[0] as string, 'gone');
    for (const file of await story.files('checkpoint')) await story.harm(file, harm === 'gone' ? 'first bit' : harm);
    for (let again = 0; again < 3; again++) {
      await story.reopen();
      await story.check({ whole: false });
      expect((await story.answer()).warnings.length, 'it is said').toBeGreaterThan(0);
      if (again > 0) await story.checkpoint();
      await story.append(1);
      story.world.crash(4 + again, 'synced');
    }
    await story.reopen();
    await story.check({ whole: false });
    // What comes goes on being taken and sealed.
    await story.append(30);
    await story.checkpoint();
    await story.world.clock.advance(3 * HOUR);
    await story.world.engine.seal({ supplementsToo: true });
    await story.check({ whole: false });
  });

  test('all series files damaged, it opens with what windows and the log have', async () => {
    const story = await lived(how);
    story.world.crash(1, 'synced');
    for (const file of await story.files('series')) await story.harm(file, 'bit');
    await story.reopen();
    await story.check({ whole: false });
    await story.append(5);
    await story.checkpoint();
    story.world.crash(1, 'synced');
    await story.reopen();
    await story.check({ whole: false });
  });

  test('while the object store is away, the newest damaged', async () => {
    const story = await lived(how);
    story.world.crash(1, 'synced');
    await story.harm((await story.files('checkpoint'))[0] as string, 'bit');
    story.world.objects.away = true;
    await story.reopen();
    await story.append(1);
    await story.checkpoint();
    story.world.objects.away = false;
    await story.world.engine.seal({ supplementsToo: true });
    await story.check({ whole: true });
  });
});
