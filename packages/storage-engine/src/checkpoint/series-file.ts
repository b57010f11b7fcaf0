import { ByteReader, ByteWriter, crc32c, type Disk, type DiskFile } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { SeriesRegistry, TenantSeries } from '../series/registry.ts';

// Labels of a shard's series, in order of their refs; appended to at checkpoints, so that a checkpoint need not repeat them. There are
// two, and each checkpoint goes with the other than the one before it: what harms one file leaves the other checkpoint whole.
//
//   magic "TMSERS" | version u16
//   frame := length u32 | crc u32 | payload byte[length]        crc = crc32c(payload)
//   payload := first ref uvarint | runs uvarint | run*
//   run   := tenant text | series uvarint | labels lengthPrefixed each
//
// The checkpoint's header says how many bytes count; what is behind them was written by a checkpoint that never happened and
// is cut off.

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x53, 0x45, 0x52, 0x53, 0, 0);
// A frame in memory: a few thousand series.
const FRAME_BYTES = 1024 * 1024;

export class SeriesFile {
  readonly number: number;
  readonly #file: DiskFile;
  /** Bytes and series that are written and synced. */
  bytes: number;
  count: number;
  /** A sync failed: what was written since the one before may be there or not, whatever the next one says. */
  distrusted = false;

  private constructor(number: number, file: DiskFile, bytes: number, count: number) {
    this.number = number;
    this.#file = file;
    this.bytes = bytes;
    this.count = count;
  }

  static async create(disk: Disk, path: string, number: number): Promise<SeriesFile> {
    await disk.remove(path);
    const file = await disk.open(path, { create: true });
    try {
      await file.append([MAGIC]);
      await file.sync();
      await disk.syncFolder(path.slice(0, path.lastIndexOf('/')));
    } catch (error) {
      await file.close();
      throw error;
    }
    return new SeriesFile(number, file, MAGIC.length, 0);
  }

  /** Loads the series of the first `bytes` bytes into an empty registry. Throws `CHECKPOINT_CORRUPT`. */
  static async load(
    disk: Disk,
    path: string,
    number: number,
    bytes: number,
    registry: SeriesRegistry,
  ): Promise<SeriesFile> {
    const content = await disk.read(path);
    if (content.length < bytes) {
      throw storageError('CHECKPOINT_CORRUPT', `${path} has ${content.length} bytes of ${bytes}`, { path });
    }
    readSeries(content.subarray(0, bytes), (tenant, labels, ref) => {
      const series = registry.tenantNamed(tenant);
      if (registry.resolveOne(series, labels, 0, labels.length) !== ref) {
        throw storageError('CHECKPOINT_CORRUPT', `${path} names a series twice or badly`, { path, ref });
      }
    });
    const file = await disk.open(path);
    return new SeriesFile(number, file, bytes, registry.count);
  }

  /** Appends refs `[this.count, to)` and syncs. A failure leaves bytes behind that the next call cuts off. Requires: it is not distrusted. */
  async extend(registry: SeriesRegistry, to: number): Promise<void> {
    if (to === this.count) return;
    if (this.#file.size !== this.bytes) await this.#file.truncate(this.bytes);
    let bytes = this.bytes;
    for (let ref = this.count; ref < to; ) {
      const { frame, next } = encodeFrame(registry, ref, to);
      await this.#file.append(frame);
      bytes += frame.reduce((sum, piece) => sum + piece.length, 0);
      ref = next;
    }
    try {
      await this.#file.sync();
    } catch (error) {
      this.distrusted = true;
      throw error;
    }
    this.bytes = bytes;
    this.count = to;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Hands out every series of a series file. Throws `CHECKPOINT_CORRUPT`, `BYTES_MALFORMED`. */
export function readSeries(bytes: Uint8Array, take: (tenant: string, labels: Uint8Array, ref: number) => void): void {
  const reader = new ByteReader(bytes);
  const magic = reader.raw(MAGIC.length);
  if (!Buffer.from(magic).equals(MAGIC)) throw storageError('CHECKPOINT_CORRUPT', 'not a series file');
  while (reader.left > 0) {
    const length = reader.u32();
    const crc = reader.u32();
    const payload = reader.raw(length);
    if (crc32c(payload) !== crc) throw storageError('CHECKPOINT_CORRUPT', 'a frame of a series file is corrupt');
    const frame = new ByteReader(payload);
    let ref = frame.uvarint();
    for (let runs = frame.count(2); runs > 0; runs--) {
      const tenant = frame.text();
      for (let left = frame.count(); left > 0; left--) take(tenant, frame.lengthPrefixed(), ref++);
    }
  }
}

function encodeFrame(registry: SeriesRegistry, from: number, to: number): { frame: Uint8Array[]; next: number } {
  const runs: { tenant: TenantSeries; labels: Uint8Array[] }[] = [];
  let ref = from;
  let size = 0;
  for (; ref < to && size < FRAME_BYTES; ref++) {
    const tenant = registry.tenantOf(ref);
    const labels = registry.labelBytes(ref);
    size += labels.length + 2;
    const last = runs[runs.length - 1];
    if (last !== undefined && last.tenant === tenant) last.labels.push(labels);
    else runs.push({ tenant, labels: [labels] });
  }
  const writer = new ByteWriter(size + 64);
  writer.uvarint(from);
  writer.uvarint(runs.length);
  for (const { tenant, labels } of runs) {
    writer.text(tenant.name);
    writer.uvarint(labels.length);
    for (const one of labels) writer.lengthPrefixed(one);
  }
  const head = new ByteWriter(8);
  head.u32(writer.length);
  head.u32(crc32c(writer.view()));
  return { frame: [head.finish(), writer.finish()], next: ref };
}
