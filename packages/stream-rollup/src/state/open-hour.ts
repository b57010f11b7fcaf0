import { HourBlock } from './hour-block.ts';

// One open hour: for each tenant, blocks of rows.

export const HOUR_MS = 3_600_000;

/** The end of the hour `(end - 1 h, end]` that holds a minute which ends then. */
export function hourEndOf(minuteEndMs: number): number {
  return Math.ceil(minuteEndMs / HOUR_MS) * HOUR_MS;
}

export class OpenHour {
  readonly endMs: number;
  /** By tenant name, then by `ref >>> SLOT_BITS`. */
  readonly parts = new Map<string, (HourBlock | undefined)[]>();
  /** Whether all its rows were emitted once. */
  emitted = false;
  emittedAtMs = Number.NEGATIVE_INFINITY;
  changed = true;
  /** The checkpoint whose file has it; 0 when none has. */
  fileSequence = 0;

  constructor(endMs: number) {
    this.endMs = endMs;
  }

  get startMs(): number {
    return this.endMs - HOUR_MS;
  }

  /** The block, made if absent. */
  blockAt(tenant: string, index: number): HourBlock {
    let blocks = this.parts.get(tenant);
    if (!blocks) {
      blocks = [];
      this.parts.set(tenant, blocks);
    }
    while (blocks.length <= index) blocks.push(undefined);
    let block = blocks[index];
    if (block) return block;
    block = new HourBlock();
    blocks[index] = block;
    return block;
  }
}
