import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import { TidemarkError } from '../error.ts';
import { seededRandom } from '../random.ts';
import type { Disk, DiskFile } from './disk.ts';
import { isVisible, safePath } from './path.ts';
import { SimInode } from './sim-file.ts';
import { SimNames } from './sim-names.ts';

// A disk in memory that misbehaves to order. Deterministic: the same calls and seeds give the same bytes.
//
// Faults a store must survive here, zone by zone:
//   bytes     a power loss tears what was not synced: any prefix, any of its sectors zero; a cut may be undone
//   names     creations, renames and removals not covered by syncFolder may be undone (folders themselves stay)
//   process   kill -9: everything written is there, synced or not; every handle of the old process is dead
//   space     full after `capacityBytes`: the append that hits it writes what fits, then throws DISK_FULL
//   sync      fails to order; the file then refuses until it is cut back to what was synced, or opened anew. What it was to write is read
//             back, no later sync writes it, and after a power loss it is zeros
//   handles   with `handlesMax` files open nothing is opened any more: DISK_IO, of the system's EMFILE, until one is closed
//   rot       a bit flips in what was synced: what is read is simply wrong
//   time      every call takes `slowMs` on the clock

export interface SimDiskOptions {
  readonly capacityBytes?: number;
  /** With `slowMs` on: what time is. */
  readonly clock?: Clock;
}

export interface CrashOptions {
  readonly seed: number;
  /**
   * `torn`: power loss, any mixture of what was not synced survives. `synced`: power loss, nothing else survives.
   * `written`: the process died, the machine did not.
   */
  readonly keep: 'torn' | 'synced' | 'written';
}

export type SimDiskCall =
  | 'open'
  | 'read'
  | 'append'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'writeAtomic'
  | 'syncFolder';

export class SimDisk implements Disk {
  readonly nativePath = undefined;
  capacityBytes: number;
  slowMs = 0;
  /** Of one process. Whatever reads, writes or lists needs one for a moment. */
  handlesMax: number = Number.POSITIVE_INFINITY;
  /** Waited for before each call that may change something: what `fork` gives then is what a crash between two calls leaves. */
  beforeChange: ((call: SimDiskCall, path: string) => Promise<void>) | undefined;
  readonly #clock: Clock | undefined;
  readonly #names: SimNames;
  readonly #failures: { call: SimDiskCall; path: string | undefined; code: string }[] = [];
  #crashed = false;
  #syncs = 0;
  #handles = 0;

  constructor(options: SimDiskOptions = {}, names = new SimNames()) {
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.#clock = options.clock;
    this.#names = names;
  }

  /** The disk as the next process finds it. This one and all its files answer DISK_IO from now on. */
  crash(options: CrashOptions): SimDisk {
    assert(!this.#crashed, 'a disk crashes once');
    this.#crashed = true;
    return this.fork(options);
  }

  /** The disk as a next process would find it if this one died now; this one goes on. */
  fork(options: CrashOptions): SimDisk {
    const random = seededRandom(options.seed);
    const clock = this.#clock === undefined ? {} : { clock: this.#clock };
    const survivors = this.#names.survivors(options.keep, random);
    return new SimDisk({ capacityBytes: this.capacityBytes, ...clock }, survivors);
  }

  /** The next such call (on that path, if given) throws `code` and does nothing. */
  failNext(call: SimDiskCall, options: { readonly path?: string; readonly code?: string } = {}): void {
    this.#failures.push({ call, path: options.path, code: options.code ?? 'DISK_IO' });
  }

  /** What was ordered and has not happened will not. */
  forgetFailures(): void {
    this.#failures.length = 0;
  }

  /** Flips bit `bit` (0 is the lowest) of the byte at `position`. */
  flipBit(path: string, position: number, bit: number): void {
    const inode = this.#inode('flip', path);
    assert(position < inode.size && bit < 8, 'the bit is in the file');
    inode.flipBit(position, bit);
  }

  /** Bytes held by all files. */
  get usedBytes(): number {
    return this.#names.usedBytes();
  }

  /** File syncs so far: what group commit is there to save. */
  get syncCount(): number {
    return this.#syncs;
  }

  open(path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> {
    return this.act('open', path, (at) => {
      this.#mustHaveHandle(at);
      if (options.create && !this.#names.get(at)) this.#names.link(at, new SimInode());
      return new SimFile(this, this.#inode('open', at));
    });
  }

  read(path: string): Promise<Uint8Array> {
    return this.act('read', path, (at) => {
      this.#mustHaveHandle(at);
      return this.#inode('read', at).content.slice();
    });
  }

  writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
    return this.act('writeAtomic', path, (at) => this.#store('write', at, bytes));
  }

  createExclusive(path: string, bytes: Uint8Array): Promise<boolean> {
    return this.act('writeAtomic', path, (at) => {
      if (this.#names.get(at)) return false;
      this.#store('create', at, bytes);
      return true;
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.act('rename', from, (at) => {
      this.#inode('rename', at);
      this.#names.rename(at, safePath(to));
    });
  }

  remove(path: string): Promise<void> {
    return this.act('remove', path, (at) => this.#names.unlink(at));
  }

  removeFolder(path: string): Promise<void> {
    return this.act('remove', path, (at) => this.#names.removeFolder(at));
  }

  makeFolder(path: string): Promise<void> {
    return this.act(undefined, path, (at) => this.#names.makeFolder(at));
  }

  list(path: string): Promise<string[]> {
    return this.act(undefined, path, (at) => {
      this.#mustHaveHandle(at);
      return this.#names.list(at).filter(isVisible).sort();
    });
  }

  exists(path: string): Promise<boolean> {
    return this.act(undefined, path, (at) => this.#names.get(at) !== undefined || this.#names.hasFolder(at));
  }

  size(path: string): Promise<number> {
    return this.act(undefined, path, (at) => this.#inode('look at', at).size);
  }

  syncFolder(path: string): Promise<void> {
    return this.act('syncFolder', path, (at) => {
      this.#mustHaveHandle(at);
      if (!this.#names.hasFolder(at)) throw notFound('sync', at);
      this.#names.syncFolder(at);
    });
  }

  /**
   * Also for this disk's files: time passes, ordered faults strike, then `action` happens, all in one turn with the look
   * at whether the machine still runs.
   */
  async act<T>(call: SimDiskCall | undefined, path: string, action: (at: string) => T): Promise<T> {
    const at = safePath(path);
    if (this.slowMs > 0 && this.#clock) await this.#clock.sleep(this.slowMs);
    else await Promise.resolve();
    if (call !== undefined && call !== 'read') await this.beforeChange?.(call, at);
    if (this.#crashed) throw new TidemarkError('DISK_IO', 'the simulated machine went down', { path: at });
    const ordered = this.#failures.findIndex((f) => f.call === call && (f.path === undefined || f.path === at));
    const failure = this.#failures[ordered];
    if (failure) {
      this.#failures.splice(ordered, 1);
      throw new TidemarkError(failure.code, `${failure.call} of ${at} fails as ordered`, { path: at });
    }
    return action(at);
  }

  /** For this disk's files. */
  room(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  /** For this disk's files. */
  countSync(): void {
    this.#syncs++;
  }

  /** For this disk's files: one is open now (1), or no longer (-1). */
  countHandles(change: 1 | -1): void {
    this.#handles += change;
  }

  /** Files that are open. */
  get handles(): number {
    return this.#handles;
  }

  #mustHaveHandle(path: string): void {
    if (this.#handles < this.handlesMax) return;
    throw new TidemarkError('DISK_IO', `cannot open ${path}: EMFILE`, { path, system: 'EMFILE' });
  }

  #store(verb: string, path: string, bytes: Uint8Array): void {
    this.#mustHaveHandle(path);
    // Old and new content are on the disk together for a moment, as with a real temporary file.
    if (bytes.length > this.room()) throw full(verb, path);
    this.#names.link(path, SimInode.of(bytes));
    this.#names.syncPath(path);
  }

  #inode(verb: string, path: string): SimInode {
    const inode = this.#names.get(path);
    if (!inode) throw notFound(verb, path);
    return inode;
  }
}

class SimFile implements DiskFile {
  readonly #disk: SimDisk;
  readonly #inode: SimInode;
  #open = true;
  /** What was synced before the sync that failed. */
  #distrustAbove: number | undefined;
  #syncedSize: number;

  constructor(disk: SimDisk, inode: SimInode) {
    this.#disk = disk;
    this.#inode = inode;
    this.#syncedSize = inode.size;
    disk.countHandles(1);
  }

  get size(): number {
    return this.#inode.size;
  }

  get #path(): string {
    return this.#inode.path;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    this.#mustBeOpen();
    this.#mustBeTrusted();
    await this.#disk.act('append', this.#path, (at) => {
      for (const piece of pieces) {
        const room = this.#disk.room();
        this.#inode.append(piece.subarray(0, room));
        if (piece.length > room) throw full('append to', at);
      }
    });
  }

  async readAt(position: number, into: Uint8Array): Promise<number> {
    this.#mustBeOpen();
    return this.#disk.act('read', this.#path, () => {
      const found = this.#inode.content.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    });
  }

  async truncate(size: number): Promise<void> {
    this.#mustBeOpen();
    await this.#disk.act('truncate', this.#path, () => this.#inode.truncate(size));
    this.#syncedSize = Math.min(this.#syncedSize, size);
    if (this.#distrustAbove !== undefined && size <= this.#distrustAbove) this.#distrustAbove = undefined;
  }

  async sync(): Promise<void> {
    this.#mustBeOpen();
    this.#mustBeTrusted();
    try {
      await this.#disk.act('sync', this.#path, () => {
        this.#inode.sync();
        this.#syncedSize = this.#inode.size;
        this.#disk.countSync();
      });
    } catch (error) {
      this.#distrustAbove = this.#syncedSize;
      this.#inode.failSync();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#open) this.#disk.countHandles(-1);
    this.#open = false;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new TidemarkError('DISK_CLOSED', `${this.#path} is closed`, { path: this.#path });
  }

  #mustBeTrusted(): void {
    if (this.#distrustAbove === undefined) return;
    throw new TidemarkError('DISK_IO', `${this.#path} failed to sync before; what it holds since is unknown`, {
      path: this.#path,
      syncedSize: this.#distrustAbove,
    });
  }
}

function full(verb: string, path: string): TidemarkError {
  return new TidemarkError('DISK_FULL', `cannot ${verb} ${path}: the disk is full`, { path });
}

function notFound(verb: string, path: string): TidemarkError {
  return new TidemarkError('DISK_NOT_FOUND', `cannot ${verb} ${path}: there is no such file`, { path });
}
