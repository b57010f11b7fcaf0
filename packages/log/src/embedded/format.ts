// The journal's files: numbers that writer, replay and inspector share. docs/format/embedded-log.md is the page.
//
//   folder        lock | 00000001.journal | 00000002.journal | ... | compacted/<topic>/ | 00000007-4711.torn
//
//   file          magic "TIDEMLOG" | version u32be | number u32be | salt u32be | createdMs u64be | crc u32be
//                 snapshot frame, then frames
//
//   frame         length u32be | kind u8 | 0 0 0 | syncedTo u32be | bodyCrc u32be | headerCrc u32be | body byte[length]
//
// All crcs are CRC-32C. bodyCrc covers the body; headerCrc the 16 bytes before it, seeded with the file's salt and the
// frame's position: a frame is valid only in the file and at the place it was written, and no record's content can pass
// for one. One append call is one frame, so it is whole or absent.
//
// syncedTo is where the file was known to be on disk when the frame was written. Frames of one group commit are written
// together and synced once, so they say the same; the next one's say more. It is what tells a torn write from rot:
//
//     | frame | frame | frame | BAD | frame |          the frame behind says syncedTo <= BAD: same commit, never
//                             ^                        acknowledged. Torn: the file is cut here.
//     | frame | BAD | frame | frame | mark |           one behind says syncedTo > BAD: it was on disk once. Rot:
//                                                      LOG_CORRUPT, never cut, never skipped.
//
// A mark is an empty frame, written and synced when a commit was followed by about 5 s of silence, and at close: it says
// that everything before it was on disk. Only the last file can be torn: a file is begun under another name, synced
// with its snapshot, and then renamed; and the file before is whole by then (its length stands in the snapshot).
//
// What remains undetectable, and looks like a torn write or like nothing at all:
//   - rot in the last commit before its mark is down (about 5 s, and until the next start after a kill); it is cut
//     off, but logged, counted, and kept in a .torn file
//   - rot in the last commit and in the mark behind it, both
//   - the last file cut by hand exactly between two frames, its last file removed, or the whole folder put back from an
//     older copy: consumers whose positions lie beyond the end are then told so (LOG_POSITION_LOST)
//   - one damage in 2^32 that CRC-32C misses (all bursts up to 32 bits are seen)

export const MAGIC = Uint8Array.from('TIDEMLOG', (letter) => letter.charCodeAt(0));
/** Of the files; 0 may still change. */
export const VERSION = 0;
export const FILE_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 20;

/** Never renumbered. */
export const Kind = {
  snapshot: 1,
  records: 2,
  topics: 3,
  positions: 4,
  mark: 5,
  materialised: 6,
  transaction: 7,
  producer: 8,
  repaired: 9,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const NAMES: Readonly<Record<number, keyof typeof Kind>> = Object.fromEntries(
  Object.entries(Kind).map(([name, kind]) => [kind, name as keyof typeof Kind]),
);

export function kindName(kind: number): keyof typeof Kind | undefined {
  return NAMES[kind];
}

export function isKind(kind: number): kind is Kind {
  return NAMES[kind] !== undefined;
}
