import { bytesEqual, hash32 } from '@tidemark/base';
import type { ShardRead } from '../shard/shard-read.ts';
import type { Turns } from './turns.ts';

// Whether the series that several shards have are all different, so that none needs to be put together of two. They nearly always
// are: a series lives in the partition of its metric. Labels are compared only where hashes are equal.

export async function standApart(reads: readonly ShardRead[], turns: Turns): Promise<boolean> {
  const some = reads.filter((read) => read.count > 0);
  if (some.length < 2) return true;
  const total = some.reduce((sum, read) => sum + read.count, 0);
  // At most half full: probing stays short.
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(total * 2)));
  const mask = slots.length - 1;
  const hashes = new Uint32Array(total);
  const places = new Uint32Array(total);
  const starts: number[] = [];
  let at = 0;
  for (const [i, read] of some.entries()) {
    starts.push(at);
    for (let k = 0; k < read.count; k++, at++) {
      if (turns.due()) await turns.take();
      const labels = read.labelBytesAt(k);
      const hash = hash32(labels);
      let slot = hash & mask;
      for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const other = (slots[slot] as number) - 1;
        if (hashes[other] !== hash) continue;
        // Of the same shard they differ.
        const owner = places[other] as number;
        if (owner === i) continue;
        const known = (some[owner] as ShardRead).labelBytesAt(other - (starts[owner] as number));
        if (known.length === labels.length && bytesEqual(known, 0, known.length, labels, 0, labels.length))
          return false;
      }
      slots[slot] = at + 1;
      hashes[at] = hash;
      places[at] = i;
    }
  }
  return true;
}
