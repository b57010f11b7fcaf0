// What the header of a zstd frame (RFC 8878, section 3.1.1) says of its content.
//
//   frame  := magic 28b52ffd | descriptor u8 | window u8, unless single segment | dictionary id | content size | blocks
//   descriptor := size flag 2 bits | single segment 1 bit | 3 bits | dictionary flag 2 bits
//
// The content size has 0 bytes (1 of a single segment), 2 (less 256), 4 or 8, little-endian. Writers that do not know it
// beforehand leave it out.

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];

/** Undefined where it is not said, or is no frame. Only what it says: the content may be another. */
export function zstdContentBytes(source: Uint8Array): number | undefined {
  if (MAGIC.some((byte, i) => source[i] !== byte)) return undefined;
  const descriptor = source[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] as number);
  const flag = descriptor >> 6;
  const bytes = flag === 0 ? Number(isSingleSegment) : 2 ** flag;
  if (bytes === 0 || at + bytes > source.length) return undefined;
  let size = 0;
  for (let i = bytes - 1; i >= 0; i--) size = size * 256 + (source[at + i] as number);
  return flag === 1 ? size + 256 : size;
}
