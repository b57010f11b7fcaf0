import type { Tier } from '../head/resolve.ts';

// A checkpoint file: a shard's head as it is, and the log position it covers. docs/format/checkpoint.md
//
//   magic "TMCKPT" | version u16
//   section*       := id u8 | length u64 | crc u32 | payload byte[length]       crc = crc32(id | length | payload), from the version on
//   header   1     tier, topic, partition, generation, position, shapes, windows, series file, installation
//   state    5     per series, column by column: slotCount u8 | windowOf i32 | last u32 | finished u32
//                  | firstCell u32 | lastCell u32 | lastUsed u8 | streamEntries u16
//   slots    6     one page: page u32 | depth u32 | offsets u32[1024 x depth] | column f64[1024 x depth] each
//   cells    7     used u32 | freeHead u32
//   page     8     of cells: page u32 | cell byte[64] each, 4,096 or what is used of the last
//   end    255     how many sections came before u32: a file without it is not whole
//
// Version 0 had state and slots with times as f64, sections 2 and 3, and all cells in section 4 (head-pages-0.ts).
//
// crc32 is zlib's (IEEE 802.3), not CRC-32C as elsewhere: node:zlib computes it five times as fast, and a checkpoint is the
// whole head. Arrays are the machine's own bytes, little-endian. Nothing else belongs to the head: what is out of order or finished is in
// the windows' LevelDBs, durable before this file is written; labels are in the series file, of which the header says how many
// bytes count. The file is written beside the one before it, synced and renamed; then that one goes.

export const CHECKPOINT_MAGIC = Uint8Array.of(0x54, 0x4d, 0x43, 0x4b, 0x50, 0x54);
export const CHECKPOINT_VERSION = 1;

export const SECTION_HEADER = 1;
export const SECTION_STATE_0 = 2;
export const SECTION_SLOTS_0 = 3;
export const SECTION_CELLS_0 = 4;
export const SECTION_STATE = 5;
export const SECTION_SLOTS = 6;
export const SECTION_CELLS = 7;
export const SECTION_CELL_PAGE = 8;
export const SECTION_END = 255;

export interface CheckpointWindow {
  readonly startMs: number;
  readonly sequence: number;
  /** The position at which it was frozen; 0: it is not. */
  readonly frozenPosition: number;
  /** Generation of its last flush; its LevelDB must have that manifest. */
  readonly generation: number;
}

export interface CheckpointHeader {
  readonly tier: Tier;
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  /** The next offset to apply. */
  readonly position: number;
  readonly columnCount: number;
  readonly slotSize: number;
  readonly windowMs: number;
  /** -Infinity: nothing was frozen yet. */
  readonly frozenThroughMs: number;
  readonly seriesCount: number;
  readonly seriesFile: number;
  readonly seriesFileBytes: number;
  /** Says whose data this is without saying the key: 8 bytes. */
  readonly installation: Uint8Array;
  readonly windows: readonly CheckpointWindow[];
}

export interface Section {
  readonly id: number;
  readonly pieces: readonly Uint8Array[];
}
