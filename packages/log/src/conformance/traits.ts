import type { FetchedRecords, Log, LogReader, LogRecord, OutgoingRecord, ReaderOptions, TopicSpec } from '../log.ts';

// What the suites say often.

export const RAW: TopicSpec = { name: 'test.raw', partitions: 3, compacted: false, retentionMs: 3_600_000 };
export const ALERTS: TopicSpec = { name: 'test.alerts', partitions: 1, compacted: false, retentionMs: 3_600_000 };
export const CONFIG: TopicSpec = { name: 'test.config', partitions: 1, compacted: true, retentionMs: 0 };

export const NOW = { maxBytes: 1_000_000, maxWaitMs: 0 };

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array | null): string | null => bytes && new TextDecoder().decode(bytes);

export function raw(partition: number, value: string): OutgoingRecord {
  return { topic: RAW.name, partition, key: null, value: bytesOf(value) };
}

export function alert(value: string): OutgoingRecord {
  return { topic: ALERTS.name, partition: 0, key: null, value: bytesOf(value) };
}

export function config(key: string, value: string | null): OutgoingRecord {
  return { topic: CONFIG.name, partition: 0, key: bytesOf(key), value: value === null ? null : bytesOf(value) };
}

export function rawAt(partition: number) {
  return { topic: RAW.name, partition };
}

type Start = ReaderOptions['from'][number]['offset'];

export function readerOf(log: Log, group: string, partition: number, offset: Start): Promise<LogReader> {
  return log.openReader({ group, from: [{ ...rawAt(partition), offset }] });
}

/** Everything from here to the end, by one reader of a passing group. */
export async function readAll(
  log: Log,
  topic: string,
  partition = 0,
  offset: Start = 'earliest',
): Promise<LogRecord[]> {
  const reader = await log.openReader({ group: 'read-all', from: [{ topic, partition, offset }] });
  const records: LogRecord[] = [];
  for (;;) {
    const fetched = await reader.fetch(NOW);
    if (fetched.length === 0) break;
    for (const part of fetched) records.push(...part.records);
  }
  await reader.close();
  await log.forget('read-all');
  return records;
}

export async function valuesOf(
  log: Log,
  topic: string,
  partition = 0,
  offset: Start = 'earliest',
): Promise<(string | null)[]> {
  return (await readAll(log, topic, partition, offset)).map(({ value }) => textOf(value));
}

export function valuesIn(fetched: readonly FetchedRecords[]): (string | null)[] {
  return fetched.flatMap(({ records }) => records.map(({ value }) => textOf(value)));
}
