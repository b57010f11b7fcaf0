import { assert, must, release, TidemarkError } from '@tidemark/base';
import { type HourBlock, NO_OFFSET } from './hour-block.ts';
import { decodeHourFile, decodeHourToken, encodeHourFile, encodeHourToken, hourFileName } from './hour-files.ts';
import { OpenHour } from './open-hour.ts';
import { SLOT_BITS, SLOT_MASK } from './slot-marks.ts';
import { FILE_KIND, readStateFile } from './state-file.ts';
import type { CheckpointPosition, StateFolder, StateStore, StoreBuilder } from './store.ts';
import type { Renumbering } from './window-store.ts';

// The rows of open hours, so far: 76 bytes a series, in columns.
//
//   hour --- parts, by tenant --- blocks of 512 series --- one row a series
//
// Tenants and series have the numbers the window store of the same task gives them. Once a minute nearly every row changes,
// so a file is written per hour, whole.

export function hourRowStore(name: string): StoreBuilder {
  return { name, build: () => new HourStore(name) };
}

export class HourStore implements StateStore {
  readonly name: string;
  /** Hours that begin before this are not known whole here. */
  wholeFromMs = Number.NEGATIVE_INFINITY;
  /** False when the task's checkpoint knew of no such store: it was written before there were hours. */
  wasRestored = false;
  #hours = new Map<number, OpenHour>();
  /** Names of the files the last token stands for. */
  #kept = new Set<string>();
  #folder: StateFolder | undefined;
  #closed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Open hours by rising end. */
  hours(): readonly OpenHour[] {
    return [...this.#hours.values()].sort((a, b) => a.endMs - b.endMs);
  }

  get(endMs: number): OpenHour | undefined {
    return this.#hours.get(endMs);
  }

  /** The hour, made if absent. */
  hourAt(endMs: number): OpenHour {
    if (this.#closed) throw new TidemarkError('STATE_CLOSED', `the store ${this.name} is closed`, { store: this.name });
    let hour = this.#hours.get(endMs);
    if (hour) return hour;
    hour = new OpenHour(endMs);
    this.#hours.set(endMs, hour);
    return hour;
  }

  free(hour: OpenHour): void {
    this.#hours.delete(hour.endMs);
  }

  /** Sets the flag of every series with a row in an open hour. */
  markLive(live: ReadonlyMap<string, Uint8Array>): void {
    for (const { parts } of this.#hours.values()) {
      for (const [tenant, blocks] of parts) {
        const flags = must(live.get(tenant), 'the window store knows every tenant with an open hour');
        forEachSlot(blocks, (_block, _slot, ref) => {
          flags[ref] = 1;
        });
      }
    }
  }

  /** The window store gave its series other numbers. */
  renumber(moved: Renumbering): void {
    for (const [endMs, hour] of this.#hours) {
      const next = new OpenHour(endMs);
      next.emitted = hour.emitted;
      next.emittedAtMs = hour.emittedAtMs;
      for (const [tenant, blocks] of hour.parts) {
        const refs = must(moved.get(tenant), 'a tenant with an open hour is known');
        forEachSlot(blocks, (block, slot, ref) => moveSlot(block, slot, next, tenant, refs[ref] as number));
      }
      this.#hours.set(endMs, next);
    }
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const hour of this.#hours.values()) {
      for (const blocks of hour.parts.values()) for (const block of blocks) bytes += block?.memoryBytes ?? 0;
    }
    return bytes;
  }

  async restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void> {
    this.#folder = folder;
    this.#hours = new Map();
    this.#kept = new Set();
    this.wholeFromMs = Number.NEGATIVE_INFINITY;
    this.wasRestored = token !== undefined;
    if (token === undefined) return;
    const { wholeFromMs, hours } = decodeHourToken(token);
    this.wholeFromMs = wholeFromMs;
    for (const ref of hours) {
      const path = `${folder.path}/${hourFileName(ref)}`;
      const hour = await readStateFile(folder.disk, path, FILE_KIND.hour, (reader) =>
        decodeHourFile(reader, path, ref),
      );
      this.#hours.set(ref.endMs, hour);
    }
    this.#kept = this.#namesInUse();
  }

  async checkpoint({ sequence }: CheckpointPosition): Promise<Uint8Array> {
    assert(this.#folder !== undefined, 'a store is restored before it is used');
    const { disk, path } = this.#folder;
    for (const hour of this.#hours.values()) {
      if (!hour.changed) continue;
      const bytes = encodeHourFile(hour, sequence);
      await disk.writeAtomic(`${path}/${hourFileName({ endMs: hour.endMs, sequence })}`, bytes);
      release([bytes]);
      hour.fileSequence = sequence;
      hour.changed = false;
    }
    this.#kept = this.#namesInUse();
    const hours = this.hours().map(({ endMs, fileSequence, emitted }) => ({ endMs, sequence: fileSequence, emitted }));
    return encodeHourToken({ wholeFromMs: this.wholeFromMs, hours });
  }

  async settled(): Promise<void> {
    assert(this.#folder !== undefined, 'a store is restored before it is used');
    const { disk, path } = this.#folder;
    for (const name of await disk.list(path)) if (!this.#kept.has(name)) await disk.remove(`${path}/${name}`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hours = new Map();
  }

  #namesInUse(): Set<string> {
    return new Set(
      [...this.#hours.values()].map(({ endMs, fileSequence }) => hourFileName({ endMs, sequence: fileSequence })),
    );
  }
}

function isUsed(block: HourBlock, slot: number): boolean {
  return (
    block.counts[slot] !== 0 || block.missed[slot] !== 0 || block.offset[slot] !== NO_OFFSET || block.isDirty(slot)
  );
}

export function forEachSlot(
  blocks: readonly (HourBlock | undefined)[],
  visit: (block: HourBlock, slot: number, ref: number) => void,
): void {
  blocks.forEach((block, index) => {
    if (!block) return;
    for (let slot = 0; slot < block.slots; slot++) {
      if (isUsed(block, slot)) visit(block, slot, (index << SLOT_BITS) | slot);
    }
  });
}

function moveSlot(from: HourBlock, slot: number, to: OpenHour, tenant: string, ref: number): void {
  const target = to.blockAt(tenant, ref >>> SLOT_BITS);
  const at = ref & SLOT_MASK;
  const into = target.columns;
  from.columns.forEach((column, i) => {
    (into[i] as Float64Array)[at] = column[slot] as number;
  });
  if (at >= target.slots) target.slots = at + 1;
  target.emitted = to.emitted;
  if (to.emitted && (!from.emitted || from.isDirty(slot))) target.markDirty(at);
}
