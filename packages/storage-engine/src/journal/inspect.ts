import { storageError } from '../errors.ts';
import { parseJournalFileName } from '../filename.ts';
import type { Fact } from '../inspect.ts';
import { decodeFileHeader, KIND } from './format.ts';
import { decodeRecord, type JournalRecord } from './record.ts';
import { scanFrames } from './scan.ts';

const KIND_NAMES = Object.fromEntries(Object.entries(KIND).map(([name, kind]) => [kind, name]));

/** Throws `JOURNAL_CORRUPT` when the header is damaged, `JOURNAL_NEWER`, `BATCH_*`. */
export async function* inspectJournal(name: string, bytes: Uint8Array): AsyncIterable<Fact> {
  const header = decodeFileHeader(bytes, parseJournalFileName(name) ?? -1);
  if (header === undefined) throw storageError('JOURNAL_CORRUPT', `the header of ${name} is damaged`, { name });
  const { ends, salt: _, ...facts } = header;
  const [raw, minutes, hours] = ends as Iterable<number> as [number, number, number];
  yield { what: 'journal', bytes: bytes.length, ...facts, rawEnd: raw, minutesEnd: minutes, hoursEnd: hours };
  for (const one of scanFrames(bytes, header, undefined)) {
    const { at, end } = one;
    if (one.what !== 'frame') yield { what: one.what, at, bytes: end - at };
    else {
      const { kind, sequence } = one.header;
      const place = { at, bytes: end - at, kind: KIND_NAMES[kind] as string, sequence };
      if (kind === KIND.mark) yield { what: 'mark', ...place };
      else yield { what: 'record', ...place, ...factsOf(decodeRecord(kind, one.body)) };
    }
  }
}

function factsOf(record: JournalRecord): Record<string, string | number> {
  if (record.kind === KIND.samples) {
    const { tenant, series, values } = record.batch;
    return { tenant, series: series.count, samples: values.length };
  }
  if (record.kind === KIND.delete) {
    const { tenant, startMs, endMs } = record.tombstone;
    return { tenant, startMs, endMs };
  }
  const { tenant, series, rows } = record.batch;
  return { tenant, series: series.count, rows: rows.length };
}
