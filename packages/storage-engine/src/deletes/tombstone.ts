import { type ByteReader, ByteWriter, crc32c } from '@tidemark/base';
import { type Matcher, matcher } from '@tidemark/model';
import { openChecked } from '../checked-file.ts';
import { storageError } from '../errors.ts';

// What was deleted and is not reclaimed everywhere yet. docs/format/tombstones.md
//
//   file      := magic "TMTOMB" | version u16 | lost ms f64 | tombstones uvarint | tombstone* | crc u32       crc = crc32c(all before it)
//   tombstone := topic text | partition uvarint | offset u64 | tenant text | start ms f64 | end ms f64 | at ms f64
//                | critical offset + 1 u64 | selectors uvarint | selector*             version 0 had no critical offset
//   selector  := matchers uvarint | (operator u8 | name text | value text)*                  0 =   1 !=   2 =~   3 !~
//
// A delete is a record of the raw log: what has a lower offset in its partition is deleted, what has a higher one lives. Where samples come by
// two topics it is a record of each. Rows heed that of raw, which says where the other one stands.
//
// `lost`: when deletes were lost, because both copies of the file were damaged. It is in version 2 alone, which is written where any were;
// else version 1 is.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x54, 0x4f, 0x4d, 0x42);
const VERSION = 1;
const VERSION_WITH_LOST = 2;
const FILE = { magic: MAGIC, version: VERSION_WITH_LOST, code: 'TOMBSTONES_CORRUPT', what: 'a file of tombstones' };
const OPERATORS = ['=', '!=', '=~', '!~'] as const satisfies readonly Matcher['type'][];

export interface Tombstone {
  /** Of the raw log. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Where the same delete stands in the partition's topic of critical samples; absent: there is none. */
  readonly criticalOffset?: number;
  readonly tenant: string;
  /** A series is meant when all matchers of one of these want it. */
  readonly selectors: readonly (readonly Matcher[])[];
  /** -Infinity: from the beginning. */
  readonly startMs: number;
  /** Inclusive, as Prometheus has it; Infinity: to the end. */
  readonly endMs: number;
  readonly atMs: number;
}

export interface TombstonesFile {
  readonly tombstones: readonly Tombstone[];
  /** When deletes were last lost; undefined: never. */
  readonly lostMs?: number | undefined;
}

export function encodeTombstones({ tombstones, lostMs }: TombstonesFile): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.raw(MAGIC);
  writer.u8(lostMs === undefined ? VERSION : VERSION_WITH_LOST);
  writer.u8(0);
  if (lostMs !== undefined) writer.f64(lostMs);
  writer.uvarint(tombstones.length);
  for (const tombstone of tombstones) {
    writer.text(tombstone.topic);
    writer.uvarint(tombstone.partition);
    writer.u64(tombstone.offset);
    writer.text(tombstone.tenant);
    writer.f64(tombstone.startMs);
    writer.f64(tombstone.endMs);
    writer.f64(tombstone.atMs);
    writer.u64((tombstone.criticalOffset ?? -1) + 1);
    writer.uvarint(tombstone.selectors.length);
    for (const selector of tombstone.selectors) {
      writer.uvarint(selector.length);
      for (const { type, name, value } of selector) {
        writer.u8(OPERATORS.indexOf(type));
        writer.text(name);
        writer.text(value);
      }
    }
  }
  writer.u32(crc32c(writer.view()));
  return writer.finish();
}

/** Throws `TOMBSTONES_CORRUPT`. */
export function decodeTombstones(bytes: Uint8Array): TombstonesFile {
  const { version, reader } = openChecked(bytes, FILE);
  const lostMs = version === VERSION_WITH_LOST ? reader.f64() : undefined;
  const tombstones = Array.from({ length: reader.count(10) }, () => decodeTombstone(reader, version));
  if (reader.left > 0) throw storageError('TOMBSTONES_CORRUPT', 'bytes after the last tombstone', { at: reader.at });
  return { tombstones, lostMs };
}

function decodeTombstone(reader: ByteReader, version: number): Tombstone {
  const about = {
    topic: reader.text(),
    partition: reader.uvarint(),
    offset: reader.u64(),
    tenant: reader.text(),
    startMs: reader.f64(),
    endMs: reader.f64(),
    atMs: reader.f64(),
  };
  const criticalOffset = version === 0 ? -1 : reader.u64() - 1;
  return {
    ...about,
    ...(criticalOffset >= 0 && { criticalOffset }),
    selectors: Array.from({ length: reader.count() }, () =>
      Array.from({ length: reader.count(3) }, () => decodeMatcher(reader)),
    ),
  };
}

function decodeMatcher(reader: ByteReader): Matcher {
  const type = OPERATORS[reader.u8()];
  if (type === undefined) throw storageError('TOMBSTONES_CORRUPT', 'no matcher has this operator', { at: reader.at });
  return matcher(type, reader.text(), reader.text());
}
