import type { StoreState } from '@tidemark/model';

// Which store is asked for which partitions: each partition of one owner, of as few stores as the order of preference gives.
//
//                  partition    0   1   2   3
//   zone a   a0 owns            ×       ×            asked for 0, 2
//            a1 owns                ×       ×        down
//   zone b   b0 owns            ×   ×   ×   ×        asked for 1, 3

/** What is known of a store now. */
export interface StoreView {
  readonly address: string;
  /** What it said last; undefined before it said anything. */
  readonly state: StoreState | undefined;
  /** Whether the last that was heard of it was an answer. */
  readonly answers: boolean;
}

export interface Cover {
  /** Partitions to ask for, by the store's address. */
  readonly asks: ReadonlyMap<string, readonly number[]>;
  /** Those that nobody is left for. */
  readonly missing: readonly number[];
}

// Some seconds of records: a replica that far behind the other one is asked when nobody else is there.
const BEHIND_RECORDS = 1000;

/**
 * `tried`: who was asked for a partition already, without an answer. The order: stores that answer, that are not far behind,
 * of the own zone, then the more partitions the better, then by address.
 */
export function cover(
  partitions: readonly number[],
  stores: readonly StoreView[],
  zone: string,
  tried: ReadonlyMap<number, ReadonlySet<string>> = new Map(),
): Cover {
  const asks = new Map<string, number[]>();
  const missing: number[] = [];
  const wanted = new Set(partitions);
  const newest = newestPositions(stores);
  const shareOf = ({ state }: StoreView) => state?.owned.filter((partition) => wanted.has(partition)).length ?? 0;
  const ranked = stores
    .filter(({ state }) => state !== undefined)
    .map((view) => ({ view, isOther: view.state?.zone !== zone, share: shareOf(view) }))
    .sort(
      (a, b) =>
        Number(b.view.answers) - Number(a.view.answers) ||
        Number(a.isOther) - Number(b.isOther) ||
        b.share - a.share ||
        (a.view.address < b.view.address ? -1 : 1),
    )
    .map(({ view }) => view);
  for (const partition of partitions) {
    const owners = ranked.filter(
      ({ address, state }) => state?.owned.includes(partition) && !tried.get(partition)?.has(address),
    );
    const chosen = owners.find((view) => view.answers && !isFarBehind(view, partition, newest)) ?? owners[0];
    if (chosen === undefined) {
      missing.push(partition);
      continue;
    }
    const list = asks.get(chosen.address);
    if (list) list.push(partition);
    else asks.set(chosen.address, [partition]);
  }
  return { asks, missing };
}

function newestPositions(stores: readonly StoreView[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { state, answers } of stores) {
    if (!answers) continue;
    for (const { topic, partition, offset } of state?.positions ?? []) {
      const key = `${topic}/${partition}`;
      newest.set(key, Math.max(newest.get(key) ?? 0, offset));
    }
  }
  return newest;
}

function isFarBehind({ state }: StoreView, partition: number, newest: ReadonlyMap<string, number>): boolean {
  return (state?.positions ?? []).some(
    (position) =>
      position.partition === partition &&
      (newest.get(`${position.topic}/${partition}`) ?? 0) - position.offset > BEHIND_RECORDS,
  );
}
