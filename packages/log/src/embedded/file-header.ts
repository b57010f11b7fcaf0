import { ByteReader, ByteWriter, bytesEqual, crc32c } from '@tidemark/base';
import { corrupt, foreign, versionUnknown } from './faults.ts';
import { FILE_HEADER_BYTES, MAGIC, VERSION } from './format.ts';

//   0        8          12         16       20            28      32
//   | magic  | version  | number   | salt   | createdMs   | crc   |
//
// This layout is the same in all versions, so that a program can tell a newer file from a damaged one. The crc is taken
// over the right magic, whatever stands there: a flipped bit in the magic is damage, not a foreign file.

export interface FileHeader {
  readonly number: number;
  /** Drawn at random for each file; seeds its frames' checksums. */
  readonly salt: number;
  readonly createdMs: number;
}

export function encodeFileHeader(header: FileHeader, version = VERSION): Uint8Array {
  const writer = new ByteWriter(FILE_HEADER_BYTES);
  writer.raw(MAGIC);
  writer.u32be(version);
  writer.u32be(header.number);
  writer.u32be(header.salt);
  writer.u64be(header.createdMs);
  writer.u32be(crc32c(writer.view()));
  return writer.finish();
}

/** Throws `LOG_FOREIGN`, `LOG_VERSION`, `LOG_CORRUPT`; `path` is for their messages. */
export function decodeFileHeader(bytes: Uint8Array, path: string): FileHeader {
  const magicIsRight = bytesEqual(bytes, 0, Math.min(bytes.length, MAGIC.length), MAGIC, 0, MAGIC.length);
  if (bytes.length < FILE_HEADER_BYTES) {
    throw magicIsRight || bytes.length < MAGIC.length ? corrupt(path, 'the file header is cut off') : foreign(path);
  }
  const reader = new ByteReader(bytes, MAGIC.length, FILE_HEADER_BYTES);
  const version = reader.u32be();
  const number = reader.u32be();
  const salt = reader.u32be();
  const at = reader.at;
  const createdHigh = reader.u32be();
  const createdLow = reader.u32be();
  const crcIsRight = reader.u32be() === crc32c(bytes, MAGIC.length, at + 8, crc32c(MAGIC));
  if (!crcIsRight) throw magicIsRight ? corrupt(path, 'the file header is damaged') : foreign(path);
  if (!magicIsRight) throw corrupt(path, 'the magic in the file header is damaged');
  if (version !== VERSION) throw versionUnknown(path, version, VERSION);
  return { number, salt, createdMs: createdHigh * 0x1_0000_0000 + createdLow };
}
