import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, bytesEqual } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { TIERS } from '../head/resolve.ts';
import {
  CHECKPOINT_MAGIC,
  CHECKPOINT_VERSION,
  type CheckpointHeader,
  type CheckpointWindow,
  SECTION_END,
  SECTION_HEADER,
  type Section,
} from './format.ts';

export function encodeHeader(header: CheckpointHeader): Uint8Array {
  const writer = new ByteWriter();
  writer.text(header.tier);
  writer.text(header.topic);
  writer.uvarint(header.partition);
  writer.u64(header.generation);
  writer.u64(header.position);
  writer.uvarint(header.columnCount);
  writer.uvarint(header.slotSize);
  writer.uvarint(header.windowMs);
  writer.f64(header.frozenThroughMs);
  writer.uvarint(header.seriesCount);
  writer.uvarint(header.seriesFile);
  writer.u64(header.seriesFileBytes);
  writer.raw(header.installation);
  writer.uvarint(header.windows.length);
  for (const window of header.windows) {
    writer.zigzag(window.startMs);
    writer.uvarint(window.sequence);
    writer.u64(window.frozenPosition);
    writer.u64(window.generation);
  }
  return writer.finish();
}

export function decodeHeader(bytes: Uint8Array): CheckpointHeader {
  const reader = new ByteReader(bytes);
  const tierName = reader.text();
  const tier = TIERS.find((candidate) => candidate === tierName);
  if (tier === undefined) throw storageError('CHECKPOINT_CORRUPT', `no tier is called ${JSON.stringify(tierName)}`);
  return {
    tier,
    topic: reader.text(),
    partition: reader.uvarint(),
    generation: reader.u64(),
    position: reader.u64(),
    columnCount: reader.uvarint(),
    slotSize: reader.uvarint(),
    windowMs: reader.uvarint(),
    frozenThroughMs: reader.f64(),
    seriesCount: reader.uvarint(),
    seriesFile: reader.uvarint(),
    seriesFileBytes: reader.u64(),
    installation: reader.raw(8).slice(),
    windows: Array.from({ length: reader.count(18) }, () => decodeWindow(reader)),
  };
}

function decodeWindow(reader: ByteReader): CheckpointWindow {
  return {
    startMs: reader.zigzag(),
    sequence: reader.uvarint(),
    frozenPosition: reader.u64(),
    generation: reader.u64(),
  };
}

export function encodeFileHead(): Uint8Array {
  return Uint8Array.of(...CHECKPOINT_MAGIC, CHECKPOINT_VERSION & 0xff, CHECKPOINT_VERSION >>> 8);
}

/** The bytes that stand before a section's payload. */
export function encodeSectionHead(section: Section): Uint8Array {
  const writer = new ByteWriter(13);
  writer.u8(section.id);
  writer.u64(section.pieces.reduce((sum, piece) => sum + piece.length, 0));
  let crc = crc32(writer.view(), CHECKPOINT_VERSION);
  for (const piece of section.pieces) crc = crc32(piece, crc);
  writer.u32(crc);
  return writer.finish();
}

/** All sections but the end, checked. Throws `CHECKPOINT_CORRUPT`. */
export function decodeSections(bytes: Uint8Array): { readonly id: number; readonly payload: Uint8Array }[] {
  const reader = new ByteReader(bytes);
  const head = encodeFileHead();
  const magic = CHECKPOINT_MAGIC.length;
  if (bytes.length < head.length || !bytesEqual(bytes, 0, magic, head, 0, magic)) {
    throw storageError('CHECKPOINT_CORRUPT', 'not a checkpoint');
  }
  const version = (bytes[magic] as number) | ((bytes[magic + 1] as number) << 8);
  if (version > CHECKPOINT_VERSION) {
    // A bit that flipped in the version makes no checksum of that version fit.
    const isWhole = decodeFirstSection(bytes) !== undefined;
    throw storageError(
      isWhole ? 'CHECKPOINT_NEWER' : 'CHECKPOINT_CORRUPT',
      `a checkpoint of version ${version}; this program knows ${CHECKPOINT_VERSION}`,
      { version },
    );
  }
  reader.raw(head.length);
  const sections: { id: number; payload: Uint8Array }[] = [];
  for (;;) {
    const at = reader.at;
    if (reader.left < 13) throw storageError('CHECKPOINT_CORRUPT', 'a checkpoint ends early', { at });
    const id = reader.u8();
    const low = reader.u32();
    const length = low + reader.u32() * 0x1_0000_0000;
    const crc = reader.u32();
    if (length > reader.left) throw storageError('CHECKPOINT_CORRUPT', 'a section ends early', { at, id, length });
    const payload = reader.raw(length);
    const actual = crc32(payload, crc32(bytes.subarray(at, at + 9), version));
    if (actual !== crc) throw storageError('CHECKPOINT_CORRUPT', `section ${id} fails its checksum`, { at, id });
    if (id !== SECTION_END) {
      sections.push({ id, payload });
      continue;
    }
    if (new ByteReader(payload).u32() !== sections.length || reader.left !== 0) {
      throw storageError('CHECKPOINT_CORRUPT', 'a checkpoint has lost or gained sections', { at });
    }
    return sections;
  }
}

/** The payload of the header, if that is whole in the bytes a file begins with, and by the version it says it is of. */
export function decodeFirstSection(bytes: Uint8Array): Uint8Array | undefined {
  const magic = CHECKPOINT_MAGIC.length;
  const start = magic + 2;
  if (bytes.length < start + 13 || !bytesEqual(bytes, 0, magic, CHECKPOINT_MAGIC, 0, magic)) return undefined;
  const version = (bytes[magic] as number) | ((bytes[magic + 1] as number) << 8);
  const reader = new ByteReader(bytes, start);
  const id = reader.u8();
  const length = reader.u32() + reader.u32() * 0x1_0000_0000;
  const crc = reader.u32();
  if (id !== SECTION_HEADER || length > reader.left) return undefined;
  const payload = reader.raw(length);
  return crc32(payload, crc32(bytes.subarray(start, start + 9), version)) === crc ? payload : undefined;
}
