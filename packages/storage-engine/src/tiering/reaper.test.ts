import { seededRandom, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import { manifestName } from '../filename.ts';
import { SimObjectStore } from '../object-store/sim.ts';
import { DEFAULT_OPTIONS } from '../options.ts';
import { ObjectClaims } from './claims.ts';
import { encodeSegmentManifest, type SegmentEntry } from './manifest.ts';
import { Reaper } from './reaper.ts';

// Who keeps an object that is past its lease: a manifest that names it, somebody who is about to name it, somebody who copies it.

const SHARD = { topic: 'tidemark.raw', partition: 0 };
const OBJECT = 'segments/tidemark.raw/0/one.seg';
const OTHER = 'segments/tidemark.raw/0/other.seg';
const LEASE_MS = 1000;

async function world() {
  const store = new SimObjectStore(seededRandom(1));
  const claims = new ObjectClaims();
  const time = { nowMs: 0 };
  const removed: string[] = [];
  const reaper = new Reaper({
    objectStore: store,
    claims,
    options: { ...DEFAULT_OPTIONS, objectLeaseMs: LEASE_MS },
    logger: silentLogger,
    nowMs: () => time.nowMs,
    onRemoved: (object, _, reason) => removed.push(`${object} ${reason}`),
  });
  for (const name of [OBJECT, OTHER]) await store.putIfAbsent(name, Uint8Array.of(1));
  /** What is due is removed; what stays, by name. */
  const reapAt = async (nowMs: number) => {
    time.nowMs = nowMs;
    await reaper.reap(new AbortController().signal);
    return store.names().filter((name) => name.endsWith('.seg'));
  };
  return { store, claims, reaper, removed, reapAt };
}

function manifestOf(...objects: readonly string[]): Uint8Array {
  const entries = objects.map(
    (object, part): SegmentEntry => ({
      ...{ startMs: 0, endMs: 7_200_000, sequence: 0, part, object, bytes: 1 },
      ...{ sealedThroughOffset: 1, lost: 0, level: 0, cleanedThrough: -1, tenants: [] },
    }),
  );
  return encodeSegmentManifest({ tier: 'raw', ...SHARD, entries, merged: [] });
}

test('what nobody names goes a lease after it was first seen', async () => {
  const { reapAt, removed } = await world();
  expect(await reapAt(0)).toEqual([OBJECT, OTHER]);
  expect(await reapAt(LEASE_MS - 1)).toEqual([OBJECT, OTHER]);
  expect(await reapAt(LEASE_MS)).toEqual([]);
  expect(removed).toEqual([`${OBJECT} orphan`, `${OTHER} orphan`]);
});

test('what was named again meanwhile stays, and is forgotten', async () => {
  const { store, reaper, reapAt } = await world();
  await reapAt(0);
  expect(reaper.waiting).toBe(2);
  await store.putIfAbsent(manifestName(SHARD), manifestOf(OBJECT));
  expect(await reapAt(LEASE_MS)).toEqual([OBJECT]);
  expect(reaper.waiting).toBe(0);
});

test('what somebody is about to name stays until the claim is let go', async () => {
  const { claims, reapAt } = await world();
  await reapAt(0);
  {
    using claim = claims.begin();
    expect(claim.tryTake(OBJECT)).toBe(true);
    expect(await reapAt(LEASE_MS)).toEqual([OBJECT]);
  }
  expect(await reapAt(LEASE_MS)).toEqual([]);
});

test('what is claimed when it is searched for is nobody’s business', async () => {
  const { claims, reaper, reapAt } = await world();
  using claim = claims.begin();
  claim.tryTake(OBJECT);
  await reapAt(0);
  expect(reaper.waiting).toBe(1);
});

test('what somebody copies stays until that is let go', async () => {
  const { reaper, reapAt } = await world();
  reaper.doom(OBJECT, 1, 'compaction');
  reaper.doom(OTHER, 1, 'retention');
  {
    using _ = reaper.hold(new Set([OBJECT]));
    expect(await reapAt(10 * LEASE_MS)).toEqual([OBJECT]);
  }
  expect(await reapAt(10 * LEASE_MS)).toEqual([]);
});
