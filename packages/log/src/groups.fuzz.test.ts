import { type Random, SimClock, seededRandom } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import type { GroupMember, TopicPartition } from './log.ts';
import { SimLog } from './sim/sim-log.ts';
import { keyOf } from './sticky-assign.ts';

// Members that come, go, work slowly, get stuck and fall silent. At no time may two of them commit for one partition, and once
// it is quiet every partition has exactly one owner.

const TOPICS = [
  { name: 'a', partitions: 5, compacted: false, retentionMs: 0 },
  { name: 'b', partitions: 2, compacted: false, retentionMs: 0 },
];
const PARTITIONS = TOPICS.flatMap(({ name, partitions }) =>
  Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
);
const LIMITS = { rebalanceMaxMs: 1000, sessionMaxMs: 500 };

class Worker {
  readonly member: GroupMember;
  owned: readonly TopicPartition[] = [];
  /** It asks for no more events. */
  stuck = false;
  ended = false;
  failure: unknown;
  readonly #clock: SimClock;
  readonly #finishMs: number;

  constructor(member: GroupMember, clock: SimClock, finishMs: number) {
    this.member = member;
    this.#clock = clock;
    this.#finishMs = finishMs;
    void this.#work();
  }

  async #work(): Promise<void> {
    try {
      while (!this.stuck) {
        const event = await this.member.next();
        if (!event) break;
        if (event.kind === 'revoked') {
          expect(event.partitions).toEqual(this.owned);
          // Its work on them ends only after a while; until then they are still its own.
          if (this.#finishMs > 0) await this.#clock.sleep(this.#finishMs);
          this.owned = [];
          continue;
        }
        expect(this.owned).toEqual([]);
        expect([...event.kept, ...event.added].map(keyOf).sort()).toEqual(event.partitions.map(keyOf).sort());
        this.owned = event.partitions;
      }
    } catch (error) {
      this.failure = error;
    }
    this.ended = this.ended || !this.stuck;
  }

  /** What it may commit for now. */
  async mayCommit(): Promise<string[]> {
    const may: string[] = [];
    for (const at of PARTITIONS) {
      await this.member.commit([{ ...at, offset: 0 }]).then(
        () => may.push(keyOf(at)),
        (error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^LOG_(FENCED|CLOSED)$/) }),
      );
    }
    return may;
  }
}

async function play(random: Random): Promise<void> {
  const clock = new SimClock(1_700_000_000_000);
  const log = new SimLog({ clock, ...LIMITS });
  await log.ensureTopics(TOPICS);
  let workers: Worker[] = [];
  const check = async () => {
    const all = (await Promise.all(workers.map((worker) => worker.mayCommit()))).flat();
    for (const { failure } of workers) if (failure) expect(failure).toMatchObject({ code: 'LOG_FENCED' });
    expect(all.length, 'each partition has at most one owner').toBe(new Set(all).size);
  };
  for (let step = 0; step < 40; step++) {
    const worker = workers[random.below(workers.length + 1)];
    const what = random.below(6);
    if (!worker) {
      const topics = random.below(4) === 0 ? ['a'] : ['a', 'b'];
      const finishMs = random.below(3) === 0 ? random.below(900) : 0;
      workers.push(new Worker(await log.joinGroup({ group: 'g', topics }), clock, finishMs));
    } else if (what <= 1) {
      await worker.member.close();
    } else if (what === 2) {
      worker.stuck = true;
    } else if (what === 3) {
      log.silence(worker.member.memberId);
    }
    await check();
    await clock.advance(random.below(400));
    await check();
    workers = workers.filter(({ ended }) => !ended);
  }
  // Those that are well, of both topics, so that there is an owner for everything. Each that comes shows who is stuck: one that
  // hangs is noticed at the next change only, and may have been in the middle of one.
  for (let i = 0; i < 3; i++) {
    workers.push(new Worker(await log.joinGroup({ group: 'g', topics: ['a', 'b'] }), clock, 0));
    for (let k = 0; k < 5; k++) await clock.advance(LIMITS.rebalanceMaxMs);
  }
  const owners = await Promise.all(workers.filter(({ stuck }) => !stuck).map((worker) => worker.mayCommit()));
  expect(owners.flat().sort()).toEqual(PARTITIONS.map(keyOf).sort());
  await log.close();
}

test(
  'whoever comes, goes, hangs or dies: one owner at most at any time, and one in the end',
  { timeout: 120_000 },
  () =>
    withSeed('groups', async (random) => {
      for (let round = 0; round < rounds(20); round++) await play(seededRandom(random.below(2 ** 32)));
    }),
);
