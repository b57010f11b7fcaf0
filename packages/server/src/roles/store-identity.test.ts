import { SimDisk } from '@tidemark/base/sim';
import { describe, expect, test } from 'vitest';
import { checkShare, ownedPartitions } from './ordinal.ts';
import {
  claimFolder,
  identityOf,
  objectFolderOf,
  type StoreIdentity,
  storeName,
  storerGroup,
} from './store-identity.ts';

const store = (zone: string, ordinal: number, replicas: number): StoreIdentity => ({ zone, ordinal, replicas });

test('stores of a zone own all partitions together, each once', () => {
  for (const replicas of [1, 2, 3, 5]) {
    const owned = Array.from({ length: replicas }, (_, i) => ownedPartitions(store('a', i, replicas), 7)).flat();
    expect(owned.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  }
  expect(ownedPartitions(store('', 1, 2), 5)).toEqual([1, 3]);
});

test.each([
  [store('', 0, 1), '', 'storer'],
  [store('', 1, 2), '1', 'storer-1'],
  [store('b', 0, 1), 'b-0', 'storer-b-0'],
  [store('eu-1', 3, 4), 'eu-1-3', 'storer-eu-1-3'],
])('%j is called %j, its group %s', (identity, name, group) => {
  expect([storeName(identity), storerGroup(identity)]).toEqual([name, group]);
});

test.each([
  [store('', 2, 2), 4, /store.ordinal: 2 must be below store.replicas, 2/],
  [store('', 0, 5), 4, /store.replicas: 5 share 4 partitions/],
])('%j of %i partitions is refused', (identity, partitions, message) => {
  expect(() => checkShare('store', identity, partitions)).toThrow(message);
});

test.each([
  [store('a', -1, 3), 'tidemark-store-2', 2],
  [store('a', -1, 3), 'tidemark-store-10.tidemark-store.svc', 10],
  [store('a', -1, 1), 'tidemark-store-2', 0],
  [store('a', 1, 3), 'tidemark-store-2', 1],
  [store('a', -1, 3), 'laptop', undefined],
])('%j on %s is number %s', (written, host, ordinal) => {
  const identify = () => identityOf({ store: written }, host);
  if (ordinal === undefined) expect(identify).toThrow(/neither store.ordinal nor the name of the host, laptop, says/);
  else expect(identify().ordinal).toBe(ordinal);
});

describe('a folder belongs to one store', () => {
  test('the same one starts again, another is refused and told both', async () => {
    const disk = new SimDisk();
    await claimFolder(disk, '/data', store('a', 1, 2));
    await claimFolder(disk, '/data', store('a', 1, 2));
    await expect(claimFolder(disk, '/data', store('a', 1, 3))).rejects.toMatchObject({
      code: 'STORE_IDENTITY',
      message: expect.stringContaining(
        'belongs to store 1 of 2 in zone a, the configuration says store 1 of 3 in zone a',
      ),
    });
    await expect(claimFolder(disk, '/data', store('', 0, 1))).rejects.toMatchObject({ code: 'STORE_IDENTITY' });
  });

  test('one that was filled by the only store there was is its', async () => {
    const disk = new SimDisk();
    await claimFolder(disk, '/data', store('', 0, 1));
    expect(await disk.list('')).toEqual([]);
    await disk.writeAtomic('store/metadata', new Uint8Array(1));
    await claimFolder(disk, '/data', store('', 0, 1));
    await expect(claimFolder(disk, '/data', store('', 0, 2))).rejects.toThrow(
      /belongs to store 0 of 1, .* store 0 of 2/,
    );
  });

  test("what cannot be read is nobody's", async () => {
    const disk = new SimDisk();
    await disk.writeAtomic('STORE', Buffer.from('tidemark store\nversion: 1\n'));
    await expect(claimFolder(disk, '/data', store('', 0, 1))).rejects.toMatchObject({
      code: 'STORE_IDENTITY_UNREADABLE',
    });
  });
});

test('stores that share a folder of objects have rooms of their own in it', () => {
  expect(objectFolderOf('', '/data', store('a', 1, 2))).toBe('/data/objects');
  expect(objectFolderOf('/shared', '/data', store('', 0, 1))).toBe('/shared');
  expect(objectFolderOf('/shared', '/data', store('a', 1, 2))).toBe('/shared/a-1');
});
