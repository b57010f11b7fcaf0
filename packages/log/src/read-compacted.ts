import type { Log, LogRecord } from './log.ts';

// Reads a compacted topic from its start to where it ends now: what a process must know before it begins.

// 1 MiB: some thousand states a fetch.
const FETCH_BYTES = 1024 * 1024;
const FETCH_WAIT_MS = 5_000;
// A minute: brokers that do not answer are LOG_IO before, so those that do have nothing more. They say where a topic ends that was
// compacted behind its last record.
const EMPTY_MAX = 12;

/**
 * The last record of each key that is not a tombstone, oldest first. Partition 0 only: compacted topics have one.
 * `group` is forgotten afterwards, so that it holds no bytes back.
 */
export async function readCompacted(log: Log, topic: string, group: string): Promise<readonly LogRecord[]> {
  const { start = 0, end = 0 } = (await log.bounds(topic, 'committed'))[0] ?? {};
  const latest = new Map<string, LogRecord>();
  const reader = await log.openReader({ group, from: [{ topic, partition: 0, offset: 'earliest' }] });
  try {
    let position = start;
    let empty = 0;
    while (position < end && empty < EMPTY_MAX) {
      const [fetched] = await reader.fetch({ maxBytes: FETCH_BYTES, maxWaitMs: FETCH_WAIT_MS });
      if (!fetched) {
        empty++;
        continue;
      }
      empty = 0;
      for (const record of fetched.records) {
        const key = Buffer.from(record.key ?? []).toString('latin1');
        latest.delete(key);
        if (record.value !== null) latest.set(key, record);
      }
      position = fetched.nextOffset;
    }
  } finally {
    await reader.close();
  }
  await log.forget(group);
  return [...latest.values()];
}
