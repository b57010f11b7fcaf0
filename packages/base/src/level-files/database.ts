import { ByteReader } from '../bytes/reader.ts';
import type { Disk } from '../disk/disk.ts';
import { isTidemarkError } from '../error.ts';
import { readRecords } from './records.ts';
import { type TableEntry, tableEntries, tableProblem } from './table.ts';

// A LevelDB that nobody has open, looked at without LevelDB: that one believes every byte of a table, and where a flipped bit makes a
// key too short it ends the process. So whoever opens one that may have been harmed asks here first.
//
//   CURRENT ──▶ MANIFEST-n ──▶ NNNNNN.ldb, NNNNNN.ldb, ...     tables: every block has a checksum
//                         └──▶ NNNNNN.log ...                  LevelDB checks these itself, and stops at what is bad
//
//   edit := (tag varint, what follows)*        of the MANIFEST; a record each
//     1 comparator text | 2 log number | 3 next file | 4 last sequence | 9 log before: varint
//     5 level, key | 6 file gone: level, number | 7 new file: level, number, size, least key, greatest key
//   batch := sequence u64 | count u32 | (1 | key | value)* or (0 | key)*       of a log; a record each

const TABLE_NAME = /^(\d+)\.(ldb|sst)$/;
const LOG_NAME = /^(\d+)\.log$/;

/** What is wrong with the files that its MANIFEST names, or with that one; undefined where LevelDB may open it. Throws `DISK_*`. */
export async function levelProblem(disk: Disk, folder: string): Promise<string | undefined> {
  const names = await disk.list(folder);
  if (!names.includes('CURRENT')) return 'CURRENT is missing';
  const found = await readable(disk, `${folder}/CURRENT`);
  if (found === undefined) return 'CURRENT cannot be read';
  const current = new TextDecoder().decode(found);
  const manifest = current.trimEnd();
  if (!/^MANIFEST-\d+\n$/.test(current)) return 'CURRENT names no MANIFEST';
  if (!names.includes(manifest)) return `${manifest} is missing`;
  const edits = await readable(disk, `${folder}/${manifest}`);
  const live = edits && liveTables(edits);
  if (live === undefined) return `${manifest} cannot be read to its end`;
  const tables = new Map(names.flatMap((name) => (TABLE_NAME.test(name) ? [[Number.parseInt(name, 10), name]] : [])));
  for (const [number, size] of live) {
    const name = tables.get(number);
    if (name === undefined) return `table ${number} is missing`;
    const bytes = await readable(disk, `${folder}/${name}`);
    if (bytes === undefined) return `${name} cannot be read`;
    if (bytes.length !== size) return `${name} has ${bytes.length} bytes of ${size}`;
    const problem = tableProblem(bytes);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

export interface SalvagedEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * The newest value of every key in any file of the folder that can be read, whatever its MANIFEST says; what was deleted is not
 * there, unless only the deletion was lost. Reads everything twice. Throws `DISK_*`.
 */
export async function* salvageLevel(disk: Disk, folder: string): AsyncIterable<SalvagedEntry> {
  const newest = new Map<string, number>();
  for await (const { key, sequence } of allEntries(disk, folder)) {
    const text = Buffer.from(key).toString('latin1');
    if (sequence > (newest.get(text) ?? -1)) newest.set(text, sequence);
  }
  for await (const { key, sequence, value } of allEntries(disk, folder)) {
    const text = Buffer.from(key).toString('latin1');
    // Compaction may have left the same entry in two tables.
    if (newest.get(text) !== sequence) continue;
    newest.delete(text);
    if (value !== null) yield { key, value };
  }
}

/** Size by number. */
function liveTables(manifest: Uint8Array): Map<number, number> | undefined {
  const live = new Map<number, number>();
  try {
    for (const read of readRecords(manifest)) {
      // A crash in the middle of an edit: it did not happen.
      if (read.kind === 'torn') break;
      if (read.kind === 'bad') return undefined;
      applyEdit(new ByteReader(read.bytes), live);
    }
    return live;
  } catch (error) {
    if (!isTidemarkError(error, 'BYTES_MALFORMED')) throw error;
    return undefined;
  }
}

function applyEdit(reader: ByteReader, live: Map<number, number>): void {
  while (reader.left > 0) {
    const tag = reader.uvarint();
    if (tag === 1) reader.lengthPrefixed();
    else if (tag === 5) {
      reader.uvarint();
      reader.lengthPrefixed();
    } else if (tag === 6) {
      reader.uvarint();
      live.delete(reader.uvarint());
    } else if (tag === 7) {
      reader.uvarint();
      live.set(reader.uvarint(), reader.uvarint());
      reader.lengthPrefixed();
      reader.lengthPrefixed();
    } else reader.uvarint();
  }
}

async function* allEntries(disk: Disk, folder: string): AsyncIterable<TableEntry> {
  for (const name of await disk.list(folder)) {
    const entries = TABLE_NAME.test(name) ? tableEntries : LOG_NAME.test(name) ? logEntries : undefined;
    const bytes = entries && (await readable(disk, `${folder}/${name}`));
    if (bytes !== undefined) yield* entries?.(bytes) ?? [];
  }
}

/** Undefined where the disk says that it cannot: a bad place is damage, like wrong bits. Throws other `DISK_*`, which may pass. */
async function readable(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  try {
    return await disk.read(path);
  } catch (error) {
    if (isTidemarkError(error, 'DISK_IO') && error.details.system === 'EIO') return undefined;
    throw error;
  }
}

function* logEntries(bytes: Uint8Array): Iterable<TableEntry> {
  for (const read of readRecords(bytes)) {
    if (read.kind !== 'record') continue;
    try {
      // A batch is whole or not there.
      yield* [...batchEntries(new ByteReader(read.bytes))];
    } catch (error) {
      if (!isTidemarkError(error, 'BYTES_MALFORMED')) throw error;
    }
  }
}

function* batchEntries(reader: ByteReader): Iterable<TableEntry> {
  const first = reader.u64();
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    const isPut = reader.u8() === 1;
    const key = reader.lengthPrefixed();
    yield { key, sequence: first + i, value: isPut ? reader.lengthPrefixed() : null };
  }
}
