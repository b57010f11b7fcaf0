import { bytesEqual, type Disk, isTidemarkError, type TidemarkError } from '@tidemark/base';
import { storageError } from './errors.ts';
import { copyName } from './filename.ts';
import type { Quarantine } from './quarantine.ts';

// A small file that is replaced whole, and kept twice: what it says is nowhere else.
//
//   save   <name> written and synced ──▶ <name>-copy written and synced ──▶ said
//   load   both are read: <name> where it is whole, else the copy          whatever is not as it should be: both are written anew
//
// A crash between the two leaves a copy that is older by one save which nobody was told of. So either may be damaged and nothing is lost.

export interface KeptTwice<T> {
  /** Undefined where there is none, or none is whole. */
  readonly content: T | undefined;
  /** Both are there, and say the same; or neither ever was. */
  readonly isSettled: boolean;
  /** Something was there, and none of it is whole. */
  readonly isLost: boolean;
}

export interface KeptFile<T> {
  readonly disk: Disk;
  readonly name: string;
  /** Throws a `TidemarkError` where it is damaged, `STORAGE_NEWER` where another program has to read it. */
  readonly decode: (bytes: Uint8Array) => T;
  readonly quarantine: Quarantine;
}

/** Damage is told and kept aside. Throws `DISK_*` for what may pass, `STORAGE_NEWER`. */
export async function loadTwice<T>(file: KeptFile<T>): Promise<KeptTwice<T>> {
  const first = await readOne(file, file.name);
  const second = await readOne(file, copyName(file.name));
  const content = first.content ?? second.content;
  const isThere = first.isThere || second.isThere;
  if (content === undefined) return { content, isSettled: !isThere, isLost: isThere };
  const [a, b] = [first.bytes, second.bytes];
  const isSettled =
    first.content !== undefined &&
    second.content !== undefined &&
    a?.length === b?.length &&
    bytesEqual(a as Uint8Array, 0, (a as Uint8Array).length, b as Uint8Array, 0, (b as Uint8Array).length);
  return { content, isSettled, isLost: false };
}

/** Throws `DISK_FULL`, `DISK_IO`: then save again. */
export async function saveTwice(disk: Disk, name: string, bytes: Uint8Array): Promise<void> {
  await disk.writeAtomic(name, bytes);
  await disk.writeAtomic(copyName(name), bytes);
}

interface One<T> {
  readonly isThere: boolean;
  readonly bytes?: Uint8Array;
  readonly content?: T;
}

async function readOne<T>({ disk, name, decode, quarantine }: KeptFile<T>, path: string): Promise<One<T>> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await disk.read(path);
    return { isThere: true, bytes, content: decode(bytes) };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    if (error.code === 'DISK_NOT_FOUND') return { isThere: false };
    if (error.code === 'STORAGE_NEWER')
      throw storageError(error.code, `${path}: ${error.message}`, error.details, error);
    if (bytes === undefined && !isBadPlace(error)) throw error;
    quarantine(name, path, bytes, DAMAGED, { file: path, reason: error.message });
    return { isThere: true };
  }
}

const DAMAGED = 'a file is damaged: kept aside; its other copy is used, if that is whole';

/** What lies on a bad place of the disk is as good as damaged. */
function isBadPlace({ code, details }: TidemarkError): boolean {
  return code === 'DISK_IO' && details['system'] === 'EIO';
}
