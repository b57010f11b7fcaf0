import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import type { FetchedRecords, LogReader } from './log.ts';
import { readCompacted } from './read-compacted.ts';
import { SimLog } from './sim/sim-log.ts';

const TOPIC = 'c';

/** A log of these keys whose readers fetch so. */
async function logOf(keys: readonly string[], fetch: (real: LogReader['fetch']) => LogReader['fetch']) {
  const log = new SimLog({ clock: new SimClock() });
  await log.ensureTopics([{ name: TOPIC, partitions: 1, compacted: true, retentionMs: 0 }]);
  for (const key of keys) {
    await log.append([{ topic: TOPIC, partition: 0, key: Buffer.from(key), value: Buffer.from('v') }]);
  }
  const openReader = log.openReader.bind(log);
  log.openReader = async (options) => {
    const reader = await openReader(options);
    reader.fetch = fetch(reader.fetch.bind(reader));
    return reader;
  };
  return log;
}

const keysIn = async (log: SimLog) =>
  (await readCompacted(log, TOPIC, 'reader')).map(({ key }) => Buffer.from(key ?? []).toString());

const NOTHING: readonly FetchedRecords[] = [];

test('a leader that is slow, or another by now, has not come to the end', async () => {
  let turns = 0;
  const log = await logOf(['a', 'b', 'c'], (fetch) => async (options) => {
    return turns++ % 3 < 2 ? NOTHING : await fetch({ ...options, maxBytes: 1 });
  });
  expect(await keysIn(log)).toEqual(['a', 'b', 'c']);
});

test('what was compacted away behind the last record is not waited for for ever', async () => {
  let turns = 0;
  let waitedMs = 0;
  const log = await logOf(['a', 'b'], (fetch) => async (options) => {
    if (turns++ === 0) return await fetch({ ...options, maxBytes: 1 });
    waitedMs += options.maxWaitMs;
    return NOTHING;
  });
  expect(await keysIn(log)).toEqual(['a']);
  // Longer than a log tries before it says LOG_IO.
  expect(waitedMs).toBe(60_000);
});

test('of a topic of which everything was deleted nothing is asked', async () => {
  const log = await logOf(['a', 'b'], () => () => expect.unreachable());
  const [bounds] = await log.bounds(TOPIC);
  log.bounds = async () => [{ topic: TOPIC, partition: 0, start: 2, end: bounds?.end ?? 0 }];
  expect(await keysIn(log)).toEqual([]);
});
