import { PackedBlock } from './packed-block.ts';
import { placeSlot, SLOT_BITS, SLOT_MASK, SlotBlock } from './slot-block.ts';

// One open window: for each tenant, blocks of points. Blocks come from a pool and go back to it when the window is over, or when
// its points are packed. That is some seconds after its rows went out: what a sender held back has come by then, and two windows at
// most are not packed.
//
//   SlotBlock  ── rows sent, a while ago ──>  PackedBlock  ── a late point ──>  SlotBlock

// 4,096 blocks are two million series-windows, some 140 MB: what a task closes within a minute or two is soon used again.
const POOL_BLOCKS_MAX = 4_096;
// 128 points a series. What packing needs meanwhile is eleven bytes for each; larger blocks stay as they are.
const PACKED_POINTS_MAX = 65_536;

// Of its points, how many a block may have room for to be kept. The first block of a series knows nothing of its pace: slots move
// until they have room for two or three times their points.
const POOL_ROOM_MAX = 1.3;
const POOL_ROOM_MIN = 256;

/** Blocks waiting for their next window. Those that have much more room than they needed are left to the collector. */
export class BlockPool {
  readonly #free: SlotBlock[] = [];

  take(pointsExpected: number): SlotBlock {
    return this.#free.pop() ?? new SlotBlock(pointsExpected);
  }

  give(block: SlotBlock): void {
    if (this.#free.length >= POOL_BLOCKS_MAX) return;
    if (block.values.length > Math.max(POOL_ROOM_MIN, block.points * POOL_ROOM_MAX)) return;
    block.reset();
    this.#free.push(block);
  }

  get memoryBytes(): number {
    return this.#free.reduce((sum, block) => sum + block.memoryBytes, 0);
  }
}

/** The points of one tenant in one window. */
export class WindowPart {
  /** By `ref >>> SLOT_BITS`. */
  readonly blocks: (SlotBlock | PackedBlock | undefined)[] = [];
  /**
   * Refs of series in which a stale marker replaced a value: a row may be out for a window that now has none, and has to
   * be taken back.
   */
  readonly blanked = new Set<number>();

  /** The block, made if absent, open to take points. `before` is the same tenant's part of the window before, for how much room is needed. */
  blockAt(index: number, pool: BlockPool, before: WindowPart | undefined): SlotBlock {
    const known = this.blocks[index];
    if (known instanceof SlotBlock) return known;
    const model = known ?? before?.blocks[index];
    const block = pool.take(model?.points ?? 0);
    if (known) known.unpackInto(block);
    else block.hints = model?.counts;
    while (this.blocks.length < index) this.blocks.push(undefined);
    this.blocks[index] = block;
    return block;
  }

  /** The block to be read: where it is packed, `into` with what it holds. */
  read(index: number, into: SlotBlock): SlotBlock | undefined {
    const block = this.blocks[index];
    if (!(block instanceof PackedBlock)) return block;
    into.reset();
    block.unpackInto(into);
    return into;
  }

  /** Calls `visit` for every series with points, by rising ref. The block is valid until the next visit. */
  forEachSlot(visit: (block: SlotBlock, slot: number, ref: number) => void): void {
    const scratch = new SlotBlock(0);
    for (let index = 0; index < this.blocks.length; index++) {
      const block = this.read(index, scratch);
      for (let slot = 0; slot < (block?.slots ?? 0); slot++) {
        if (block?.counts[slot] !== 0) visit(block as SlotBlock, slot, (index << SLOT_BITS) | slot);
      }
    }
  }

  /** Refs of every series with points, rising. */
  *refs(): Iterable<number> {
    for (let index = 0; index < this.blocks.length; index++) {
      const { slots, counts } = this.blocks[index] ?? { slots: 0, counts: [] };
      for (let slot = 0; slot < slots; slot++) if (counts[slot] !== 0) yield (index << SLOT_BITS) | slot;
    }
  }

  /** Packs what was sent as it is. */
  pack(pool: BlockPool): void {
    for (const [index, block] of this.blocks.entries()) {
      if (!(block instanceof SlotBlock) || !block.emitted || block.dirtyCount > 0) continue;
      if (block.slots === 0 || block.points > PACKED_POINTS_MAX) continue;
      this.blocks[index] = new PackedBlock(block);
      pool.give(block);
    }
  }
}

export class PointWindow {
  readonly endMs: number;
  /** Offsets in blocks count from here. */
  readonly baseOffset: number;
  /** By tenant index. */
  readonly parts: (WindowPart | undefined)[] = [];
  /** Whether all its rows were emitted once: what comes now is late. */
  emitted = false;
  /** Whether points came since. */
  revised = false;
  /** Time (on whichever clock closes windows) of the last emission. */
  emittedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether its blocks were packed since its rows last went out. */
  packed = false;
  /** Whether anything changed since it was last written. */
  changed = true;
  /** The checkpoint whose file has it; 0 when none has. */
  fileSequence = 0;

  constructor(endMs: number, baseOffset: number) {
    this.endMs = endMs;
    this.baseOffset = baseOffset;
  }

  partOf(tenant: number): WindowPart {
    let part = this.parts[tenant];
    if (part) return part;
    part = new WindowPart();
    while (this.parts.length < tenant) this.parts.push(undefined);
    this.parts[tenant] = part;
    return part;
  }

  release(pool: BlockPool): void {
    for (const part of this.parts) {
      for (const block of part?.blocks ?? []) if (block instanceof SlotBlock) pool.give(block);
    }
    this.parts.length = 0;
  }
}

/** Moves a slot's points to where `ref` says, in `target`. */
export function copySlot(from: SlotBlock, slot: number, target: WindowPart, ref: number, pool: BlockPool): SlotBlock {
  const block = target.blockAt(ref >>> SLOT_BITS, pool, undefined);
  const start = from.starts[slot] as number;
  const count = from.counts[slot] as number;
  placeSlot(
    block,
    ref & SLOT_MASK,
    from.times.subarray(start, start + count),
    from.words.subarray(start * 2, (start + count) * 2),
    from.highest[slot] as number,
  );
  return block;
}
