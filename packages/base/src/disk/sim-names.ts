import type { Random } from '../random.ts';
import { SimInode } from './sim-file.ts';

// The names of a simulated disk: those programs see, those a power loss surely leaves, and the changes in between.
//
//   durable names  --change, change, change-->  names
//                    ^ each may survive a power loss or not, earlier ones first, as in a journaling file system

interface Change {
  /** Absent: nothing leaves. */
  readonly from: string | undefined;
  /** Absent: a removal. */
  readonly to: string | undefined;
  readonly inode: SimInode;
}

export class SimNames {
  readonly #names: Map<string, SimInode>;
  readonly #durable: Map<string, SimInode>;
  readonly #folders: Set<string>;
  #changes: Change[] = [];

  constructor(names: ReadonlyMap<string, SimInode> = new Map(), folders: ReadonlySet<string> = new Set(['.'])) {
    this.#names = new Map(names);
    this.#durable = new Map(names);
    this.#folders = new Set(folders);
  }

  get(path: string): SimInode | undefined {
    return this.#names.get(path);
  }

  hasFolder(path: string): boolean {
    return this.#folders.has(path === '' ? '.' : path);
  }

  makeFolder(path: string): void {
    for (let at = path; at !== '' && at !== '.'; at = folderOf(at)) this.#folders.add(at);
  }

  link(path: string, inode: SimInode): void {
    this.makeFolder(folderOf(path));
    this.#change({ from: undefined, to: path, inode });
  }

  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode) this.#change({ from, to, inode });
  }

  unlink(path: string): void {
    const inode = this.#names.get(path);
    if (inode) this.#change({ from: path, to: undefined, inode });
  }

  removeFolder(path: string): void {
    const within = `${path}/`;
    for (const name of [...this.#names.keys()]) if (name.startsWith(within)) this.unlink(name);
    for (const folder of [...this.#folders]) {
      if (folder === path || folder.startsWith(within)) this.#folders.delete(folder);
    }
  }

  list(path: string): string[] {
    const folder = path === '' ? '.' : path;
    const files = [...this.#names.keys()].filter((name) => folderOf(name) === folder);
    const folders = [...this.#folders].filter((name) => name !== '.' && folderOf(name) === folder);
    const start = folder === '.' ? 0 : folder.length + 1;
    return [...files.map((name) => name.slice(start)), ...folders.map((name) => `${name.slice(start)}/`)];
  }

  /** Changes in this folder become durable, and with a rename what it depends on in the other folder. */
  syncFolder(path: string): void {
    this.#syncWhere(new Set([path === '' ? '.' : path]), folderOf);
  }

  /** Changes of this one name become durable. */
  syncPath(path: string): void {
    this.#syncWhere(new Set([path]), (name) => name);
  }

  usedBytes(): number {
    let sum = 0;
    for (const inode of new Set(this.#names.values())) sum += inode.size;
    return sum;
  }

  survivors(keep: 'torn' | 'synced' | 'written', random: Random): SimNames {
    if (keep === 'torn') {
      const survive = random.below(this.#changes.length + 1);
      for (const change of this.#changes.slice(0, survive)) apply(this.#durable, change);
    }
    const names = new Map<string, SimInode>();
    for (const [path, inode] of keep === 'written' ? this.#names : this.#durable) {
      const kept =
        keep === 'written' ? inode.carriedOver() : SimInode.of(keep === 'synced' ? inode.synced() : inode.torn(random));
      kept.path = path;
      names.set(path, kept);
    }
    return new SimNames(names, this.#folders);
  }

  #change(change: Change): void {
    apply(this.#names, change);
    if (change.to !== undefined) change.inode.path = change.to;
    this.#changes.push(change);
  }

  #syncWhere(wanted: Set<string>, placeOf: (path: string) => string): void {
    const synced = new Set<Change>();
    for (let i = this.#changes.length - 1; i >= 0; i--) {
      const change = this.#changes[i] as Change;
      const places = [change.from, change.to].filter((path) => path !== undefined).map(placeOf);
      if (!places.some((place) => wanted.has(place))) continue;
      synced.add(change);
      for (const place of places) wanted.add(place);
    }
    for (const change of this.#changes) if (synced.has(change)) apply(this.#durable, change);
    this.#changes = this.#changes.filter((change) => !synced.has(change));
  }
}

function apply(names: Map<string, SimInode>, change: Change): void {
  if (change.from !== undefined) names.delete(change.from);
  if (change.to !== undefined) names.set(change.to, change.inode);
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash);
}
