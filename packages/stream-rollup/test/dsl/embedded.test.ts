import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SelfMetrics, silentLogger, systemClock } from '@tidemark/base';
import { type Log, openEmbeddedLog } from '@tidemark/log';
import { EVENT_TIME_HEADER, Serdes, StreamsBuilder, startStreams, TimeWindows } from '@tidemark/stream-rollup';
import { expect, test } from 'vitest';

// A topology of the DSL as a user runs it: embedded log, LevelDB in a real folder, two lives.

const text = Serdes.string;

/** Words by minute: the key changes, so they go by way of a repartition topic. */
function wordsByMinute() {
  const builder = new StreamsBuilder();
  builder
    .stream('words', { key: text, value: text })
    .groupBy((_key, word) => word, { key: text })
    .windowedBy(TimeWindows.ofSizeAndGrace(60_000, 30_000))
    .count({ name: 'counts' })
    .toStream()
    .map(({ key, window }, count) => [`${key}@${window.startMs / 60_000}`, `${count}`])
    .to('out', { key: text, value: text });
  return builder.build();
}

async function life(root: string, words: readonly (readonly [word: string, timeMs: number])[], outputs: number) {
  const disk = nodeDisk(root);
  const log = await openEmbeddedLog({ clock: systemClock, disk, logger: silentLogger, metrics: new SelfMetrics() });
  await log.ensureTopics(['words', 'out'].map((name) => ({ name, partitions: 2, compacted: false, retentionMs: 0 })));
  const streams = await startStreams({
    topology: wordsByMinute(),
    log,
    group: 'words-by-minute',
    partitions: 2,
    disk,
    folder: 'state',
    clock: systemClock,
    logger: silentLogger,
  });
  await log.append(
    words.map(([word, timeMs], i) => ({
      topic: 'words',
      partition: i % 2,
      key: null,
      value: text.serialize(word),
      headers: { [EVENT_TIME_HEADER]: `${timeMs}` },
    })),
  );
  await expect.poll(async () => (await linesOf(log)).length).toBe(outputs);
  expect(streams.state).toBe('running');
  await streams.close();
  const lines = await linesOf(log);
  const topics = (await log.topics()).map(({ name }) => name);
  await log.close();
  return { lines, topics };
}

async function linesOf(log: Log): Promise<readonly string[]> {
  const from = [0, 1].map((partition) => ({ topic: 'out', partition, offset: 'earliest' as const }));
  const reader = await log.openReader({ group: 'test', from });
  const lines: string[] = [];
  for (;;) {
    const fetched = await reader.fetch({ maxBytes: 1e9, maxWaitMs: 0 });
    if (fetched.length === 0) break;
    for (const { records } of fetched) {
      for (const { key, value, headers } of records) {
        const [name, count] = [key, value].map((bytes) => text.deserialize(bytes as Uint8Array));
        lines.push(`${name}=${count} at ${headers[EVENT_TIME_HEADER]}`);
      }
    }
  }
  await reader.close();
  return lines.sort();
}

test('equal keys meet in one task, and windows outlive the process', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-dsl-'));
  try {
    // One word: tasks of the first part run side by side, and stream time is that of the task that counts.
    const first = await life(
      root,
      [
        ['tide', 10_000],
        ['tide', 50_000],
        ['tide', 20_000],
      ],
      3,
    );
    expect(first.topics).toContain('words-by-minute-counts-repartition');
    expect(first.lines.map((line) => line.replace(/ at.*/, ''))).toEqual(['tide@0=1', 'tide@0=2', 'tide@0=3']);
    const second = await life(root, [['tide', 70_000]], 4);
    expect(second.lines).toContain('tide@1=1 at 70000');
    // Stream time is kept with the windows: within grace of the first window, and then behind it.
    const third = await life(root, [['tide', 55_000]], 5);
    expect(third.lines).toContain('tide@0=4 at 55000');
    await life(root, [['tide', 95_000]], 6);
    const last = await life(
      root,
      [
        ['tide', 56_000],
        ['tide', 130_000],
      ],
      7,
    );
    expect(last.lines.filter((line) => line.startsWith('tide@0'))).toHaveLength(4);
    expect(last.lines).toContain('tide@2=1 at 130000');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}, 120_000);
