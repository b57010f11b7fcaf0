import { must } from '@tidemark/base';
import { FIRST_KEY, LAST_KEY } from '../../src/partition/keys.ts';
import { SimLevelStores } from '../../src/sim.ts';
import type { Left } from './store.ts';

// What may be harmed, and how: every file and object, and every value of every LevelDB behind LevelDB's own checksums.
//
//   a thing of n bytes   gone ─ cut at 0 .. n-1 ─ each of its 8n bits flipped          1 + 9n harms, numbered

export interface Thing {
  readonly kind: string;
  readonly name: string;
  readonly bytes: number;
  /** Puts what `change` makes of its bytes in its place; undefined: nothing. */
  readonly harm: (left: Left, change: (bytes: Uint8Array) => Uint8Array | undefined) => Promise<void>;
}

/** Everything that a store has. */
export async function thingsOf(left: Left): Promise<Thing[]> {
  const things: Thing[] = [];
  const { disk, objects } = left;
  for (const name of await filesBelow(left, '')) {
    // Before its size: who opens a database writes its log anew.
    const values = name.endsWith('/log') ? await valuesOf(left, name.slice(0, -'/log'.length)) : [];
    const bytes = await disk.size(name);
    things.push({ kind: kindOf(name), name, bytes, harm: (to, change) => harmFile(to, name, change) }, ...values);
  }
  for (const name of objects.names()) {
    const { bytes } = await objects.get(name);
    const thing = (kind: string, also: readonly string[] = []): Thing => ({
      kind,
      name,
      bytes: bytes.length,
      harm: async (to, change) => {
        to.objects.replace(name, change(bytes.slice()));
        // What is gone without a trace nobody misses: one of them is there.
        for (const one of also) to.objects.replace(one, change(bytes.slice()) ?? new Uint8Array(0));
      },
    });
    if (name.endsWith('.seg')) things.push(thing('segment'));
    else if (name.endsWith('-copy')) things.push(thing('manifest copy'));
    else things.push(thing('manifest'), thing('manifest and its copy', [`${name}-copy`]));
  }
  return things;
}

export const harmsOf = ({ bytes }: Thing): number => 1 + 9 * bytes;

/** Does one of them; says which. */
export async function harm(left: Left, thing: Thing, number: number): Promise<string> {
  const { bytes } = thing;
  if (number === 0) {
    await thing.harm(left, () => undefined);
    return 'gone';
  }
  if (number <= bytes) {
    await thing.harm(left, (content) => content.slice(0, number - 1));
    return `cut to ${number - 1} of ${bytes} bytes`;
  }
  const bit = number - bytes - 1;
  await thing.harm(left, (content) => {
    content[bit >> 3] = must(content[bit >> 3]) ^ (1 << (bit & 7));
    return content;
  });
  return `bit ${bit & 7} of byte ${bit >> 3} flipped`;
}

function kindOf(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  return base === 'log' ? 'database' : base.replace(/-\d+$/, '').replace('-', ' ');
}

async function filesBelow({ disk }: Left, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (name.endsWith('/')) found.push(...(await filesBelow({ disk } as Left, path.slice(0, -1))));
    else found.push(path);
  }
  return found;
}

async function harmFile({ disk }: Left, name: string, change: (bytes: Uint8Array) => Uint8Array | undefined) {
  const bytes = change(await disk.read(name));
  if (bytes !== undefined) return disk.writeAtomic(name, bytes);
  await disk.remove(name);
  await disk.syncFolder(name.slice(0, Math.max(0, name.lastIndexOf('/'))));
}

/** Values of a database, which finds nothing wrong with them itself. */
async function valuesOf(left: Left, path: string): Promise<Thing[]> {
  const stores = new SimLevelStores(left.disk);
  const store = await stores.open(path, { create: false });
  const things: Thing[] = [];
  for await (const [key, value] of store.entries(FIRST_KEY, LAST_KEY)) {
    things.push({
      kind: 'value',
      name: `${path} ${Buffer.from(key).toString('latin1')}`,
      bytes: value.length,
      harm: async (to, change) => {
        const other = await new SimLevelStores(to.disk).open(path, { create: false });
        await other.write([{ key, value: change(value.slice()) ?? null }]);
        await other.close();
      },
    });
  }
  await store.close();
  return things;
}
