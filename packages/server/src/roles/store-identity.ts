import { join } from 'node:path';
import { type Disk, TidemarkError } from '@tidemark/base';
import { ordinalOf } from './ordinal.ts';

// Which partitions a store owns, and that it goes on owning them.
//
//   zone a   store 0 of 2: partitions 0, 2, 4 ...        zone b   store 0 of 1: all
//            store 1 of 2: partitions 1, 3, 5 ...
//
// What a store has sealed and what lies on its disk is of its partitions. With others it would have them only from where the log
// begins, and be asked for all of them: so the folder says whose it is, and a start as somebody else is refused.

export interface StoreIdentity {
  readonly zone: string;
  readonly ordinal: number;
  readonly replicas: number;
}

const FILE = 'STORE';
export const ALONE: StoreIdentity = { zone: '', ordinal: 0, replicas: 1 };

/** Throws `CONFIG_INVALID` where nothing says which of several stores this is. */
export function identityOf({ store }: { readonly store: StoreIdentity }, host?: string): StoreIdentity {
  const { zone, replicas } = store;
  return { zone, ordinal: ordinalOf('store', store, host), replicas };
}

/** Tells stores of one log apart: `a-0`; empty for the only one. */
export function storeName(identity: StoreIdentity): string {
  const { zone, ordinal } = identity;
  return isSame(identity, ALONE) ? '' : `${zone === '' ? '' : `${zone}-`}${ordinal}`;
}

/** Where its sealed segments lie. Stores that share a folder have rooms of their own: a swap of a manifest is exclusive within a process. */
export function objectFolderOf(objects: string, dataFolder: string, identity: StoreIdentity): string {
  return objects === '' ? join(dataFolder, 'objects') : join(objects, storeName(identity));
}

/** Under which a store's positions stand on the log. */
export function storerGroup(identity: StoreIdentity): string {
  const name = storeName(identity);
  return name === '' ? 'storer' : `storer-${name}`;
}

/** Writes whose folder it is, or reads it. Throws `STORE_IDENTITY`, `STORE_IDENTITY_UNREADABLE`. */
export async function claimFolder(disk: Disk, folder: string, identity: StoreIdentity): Promise<void> {
  const owner = await ownerOf(disk, folder);
  if (owner === undefined) {
    if (!isSame(identity, ALONE)) await disk.writeAtomic(FILE, Buffer.from(textOf(identity), 'utf8'));
    return;
  }
  if (isSame(owner, identity)) return;
  throw new TidemarkError(
    'STORE_IDENTITY',
    `${folder} belongs to ${named(owner)}, the configuration says ${named(identity)}; give this store an empty folder with TIDEMARK_DATA (it is filled from where the log begins), or set store.zone, store.ordinal and store.replicas back`,
    { folder, ...identity },
  );
}

/** Whose the folder is; undefined where nothing was stored yet. Throws `STORE_IDENTITY_UNREADABLE`. */
export async function ownerOf(disk: Disk, folder: string): Promise<StoreIdentity | undefined> {
  if (!(await disk.exists(FILE))) return (await disk.list('store')).length === 0 ? undefined : ALONE;
  const text = Buffer.from(await disk.read(FILE)).toString('utf8');
  const match = /^tidemark store\nversion: 0\nzone: ([a-z0-9-]*)\nordinal: (\d+)\nreplicas: (\d+)\n$/.exec(text);
  if (match) return { zone: match[1] as string, ordinal: Number(match[2]), replicas: Number(match[3]) };
  throw new TidemarkError(
    'STORE_IDENTITY_UNREADABLE',
    `${folder}/${FILE} is not as this Tidemark writes it; it says whose the folder is, restore it from a backup`,
    { folder },
  );
}

function textOf({ zone, ordinal, replicas }: StoreIdentity): string {
  return `tidemark store\nversion: 0\nzone: ${zone}\nordinal: ${ordinal}\nreplicas: ${replicas}\n`;
}

function named({ zone, ordinal, replicas }: StoreIdentity): string {
  return `store ${ordinal} of ${replicas}${zone === '' ? '' : ` in zone ${zone}`}`;
}

function isSame(a: StoreIdentity, b: StoreIdentity): boolean {
  return a.zone === b.zone && a.ordinal === b.ordinal && a.replicas === b.replicas;
}
