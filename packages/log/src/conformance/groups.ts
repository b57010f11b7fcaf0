import { expect, test } from 'vitest';
import type { GroupEvent, GroupMember, Log, TopicPartition } from '../log.ts';
import type { Bench } from './suite.ts';
import { ALERTS, alert, NOW, RAW, raw, rawAt, valuesIn } from './traits.ts';

const GROUP = { group: 'g', topics: [RAW.name] };

/** A member that does what the contract asks: finishes, and asks for the next event. Its events, and what it owns now. */
class Worker {
  readonly member: GroupMember;
  readonly events: GroupEvent[] = [];
  owned: readonly TopicPartition[] = [];
  ended: unknown;
  readonly #done: Promise<void>;

  constructor(member: GroupMember) {
    this.member = member;
    this.#done = this.#work();
  }

  static async join(log: Log, topics: readonly string[] = [RAW.name]): Promise<Worker> {
    return new Worker(await log.joinGroup({ group: 'g', topics }));
  }

  get numbers(): number[] {
    return this.owned.map(({ partition }) => partition);
  }

  async leave(): Promise<void> {
    await this.member.close();
    await this.#done;
  }

  async #work(): Promise<void> {
    try {
      for await (const event of this.member) {
        this.events.push(event);
        this.owned = event.kind === 'assigned' ? event.partitions : [];
      }
      this.owned = [];
    } catch (error) {
      this.owned = [];
      this.ended = error;
    }
  }
}

export function groupSuite({ open, supports, world }: Bench): void {
  /** Until these workers own every partition of the raw topic, each by one of them. */
  const settled = async (...workers: Worker[]) => {
    for (let turn = 0; turn < 50; turn++) {
      await world().advance(0);
      const owned = workers.flatMap(({ numbers }) => numbers).sort();
      if (owned.join() === '0,1,2') return;
    }
    throw new Error(`not settled: ${workers.map(({ numbers }) => `[${numbers}]`).join(' ')}`);
  };

  test('the first member gets everything; whoever joins gets its share, and nobody shares a partition', async () => {
    const log = await open();
    const a = await Worker.join(log);
    await settled(a);
    expect(a.numbers).toEqual([0, 1, 2]);
    const b = await Worker.join(log);
    await settled(a, b);
    const c = await Worker.join(log);
    await settled(a, b, c);
    expect([a, b, c].map(({ owned }) => owned.length)).toEqual([1, 1, 1]);
    const d = await Worker.join(log);
    await world().advance(10);
    await settled(a, b, c, d);
    expect(d.owned).toEqual([]);
    for (const worker of [a, b, c, d]) await worker.leave();
  });

  test('assignment is sticky: who stays keeps what it can, and is told what it kept', async () => {
    const log = await open();
    const a = await Worker.join(log);
    await settled(a);
    const b = await Worker.join(log);
    await settled(a, b);
    const assigned = a.events.at(-1);
    expect(a.owned).toHaveLength(2);
    expect(assigned).toMatchObject({ kind: 'assigned', kept: a.owned, added: [] });
    const before = a.numbers;
    await b.leave();
    await settled(a);
    expect(a.events.at(-1)).toMatchObject({
      kept: before.map(rawAt),
      added: [0, 1, 2].filter((p) => !before.includes(p)).map(rawAt),
    });
  });

  test('revoked comes before assigned, for all that was owned, and generations rise', async () => {
    const log = await open();
    const a = await Worker.join(log);
    await settled(a);
    const b = await Worker.join(log);
    await settled(a, b);
    expect(a.events.map(({ kind }) => kind)).toEqual(['assigned', 'revoked', 'assigned']);
    expect(a.events[1]?.partitions).toEqual([0, 1, 2].map(rawAt));
    const generations = a.events.map(({ generation }) => generation);
    expect(generations[1]).toBe(generations[0]);
    expect(generations[2]).toBeGreaterThan(generations[1] ?? 0);
    expect(a.member.generation).toBe(generations[2]);
    expect(b.member.generation).toBe(generations[2]);
  });

  test('nobody gets a partition before its owner is done with it', async () => {
    const log = await open();
    await log.append([raw(0, 'a')]);
    const a = await log.joinGroup(GROUP);
    expect((await a.next())?.kind).toBe('assigned');
    const b = await Worker.join(log);
    const revoked = await a.next();
    expect(revoked?.kind).toBe('revoked');
    await world().advance(100);
    expect(b.owned).toEqual([]);
    // Still its own: what was finished is committed now.
    await a.commit([{ ...rawAt(0), offset: 1 }]);
    const next = a.next();
    await next;
    for (let turn = 0; turn < 20; turn++) await world().advance(0);
    expect(b.owned.length).toBeGreaterThan(0);
    expect(await log.committed('g', [rawAt(0)])).toEqual([{ ...rawAt(0), offset: 1 }]);
  });

  test('a commit of a former owner is refused, and so is one of a generation that is over', async () => {
    const log = await open();
    await log.append([0, 1, 2].map((p) => raw(p, 'a')));
    const a = await Worker.join(log);
    await settled(a);
    const { generation } = a.member;
    await a.member.commit([0, 1, 2].map((p) => ({ ...rawAt(p), offset: 1 })));
    const b = await Worker.join(log);
    await settled(a, b);
    const [lost = -1] = b.numbers;
    const [kept = -1] = a.numbers;
    const fenced = { code: 'LOG_FENCED' };
    await expect(a.member.commit([{ ...rawAt(lost), offset: 0 }])).rejects.toMatchObject({
      ...fenced,
      details: { topic: RAW.name, partition: lost },
    });
    await expect(
      a.member.commit([
        { ...rawAt(kept), offset: 0 },
        { ...rawAt(lost), offset: 0 },
      ]),
    ).rejects.toMatchObject(fenced);
    await expect(a.member.commit([{ ...rawAt(kept), offset: 0 }], generation)).rejects.toMatchObject(fenced);
    expect(await log.committed('g', [rawAt(kept), rawAt(lost)])).toEqual(
      [kept, lost].map((p) => ({ ...rawAt(p), offset: 1 })),
    );
    await a.member.commit([{ ...rawAt(kept), offset: 0 }], a.member.generation);
    expect(await log.committed('g', [rawAt(kept)])).toEqual([{ ...rawAt(kept), offset: 0 }]);
    await expect(b.member.commit([{ ...rawAt(lost), offset: 2 }])).rejects.toMatchObject({ code: 'LOG_POSITION_LOST' });
  });

  test('while a group has members, nobody else commits for it or forgets it', async () => {
    const log = await open();
    const a = await Worker.join(log);
    const inUse = { code: 'LOG_GROUP_IN_USE', details: { group: 'g' } };
    await expect(log.commit('g', [{ ...rawAt(0), offset: 0 }])).rejects.toMatchObject(inUse);
    await expect(log.forget('g')).rejects.toMatchObject(inUse);
    await a.leave();
    await log.commit('g', [{ ...rawAt(0), offset: 0 }]);
    await log.forget('g');
  });

  test('handover: the new owner goes on where the old one committed', async () => {
    const log = await open();
    await log.append([0, 1, 2].flatMap((p) => [raw(p, `${p} old`), raw(p, `${p} new`)]));
    const a = await Worker.join(log);
    await settled(a);
    await a.member.commit([0, 1, 2].map((p) => ({ ...rawAt(p), offset: 1 })));
    const b = await Worker.join(log);
    await settled(a, b);
    await a.leave();
    await settled(b);
    const from = b.owned.map((at) => ({ ...at, offset: 'committed' as const }));
    const reader = await log.openReader({ group: 'g', from });
    const seen: (string | null)[] = [];
    for (let i = 0; i < 3; i++) seen.push(...valuesIn(await reader.fetch(NOW)));
    expect(seen.sort()).toEqual(['0 new', '1 new', '2 new']);
  });

  test('members of different topics get partitions of their topics only', async () => {
    const log = await open();
    await log.append([alert('a')]);
    const a = await Worker.join(log, [RAW.name, ALERTS.name]);
    const b = await Worker.join(log, [RAW.name]);
    await world().advance(10);
    for (let turn = 0; turn < 20; turn++) await world().advance(0);
    expect([...a.owned, ...b.owned]).toHaveLength(4);
    expect(a.owned).toContainEqual({ topic: ALERTS.name, partition: 0 });
    expect(b.owned.map(({ topic }) => topic)).toEqual([RAW.name, RAW.name]);
  });

  if (supports.releases) {
    test('a group that waits for its partitions holds their bytes back', async () => {
      const log = await open();
      const a = await Worker.join(log);
      await settled(a);
      for (let i = 0; i < 40; i++) await log.append([raw(0, 'x'.repeat(200))]);
      await world().retain();
      expect((await log.bounds(RAW.name))[0]?.start).toBe(0);
      await a.member.commit([{ ...rawAt(0), offset: 40 }]);
      await world().retain();
      expect((await log.bounds(RAW.name))[0]?.start).toBeGreaterThan(0);
    });
  }

  test('positions of a group are there after close and reopen, and its partitions are assigned anew', async () => {
    const log = await open();
    await log.append([raw(1, 'a')]);
    const a = await Worker.join(log);
    await settled(a);
    await a.member.commit([{ ...rawAt(1), offset: 1 }]);
    await log.close();
    await world().advance(0);
    expect(a.owned).toEqual([]);
    expect(a.ended).toMatchObject({ code: 'LOG_CLOSED' });
    const again = await world().open();
    expect(await again.committed('g', [rawAt(1)])).toEqual([{ ...rawAt(1), offset: 1 }]);
    const b = await Worker.join(again);
    await settled(b);
    await expect(a.member.commit([{ ...rawAt(1), offset: 0 }])).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  });

  test('a member that does not give up in time is fenced, and the others go on', async () => {
    const log = await open({ rebalanceMaxMs: 5000 });
    const stuck = await log.joinGroup(GROUP);
    await stuck.next();
    const b = await Worker.join(log);
    await world().advance(4000);
    expect(b.owned).toEqual([]);
    await world().advance(2000);
    await settled(b);
    await expect(stuck.commit([{ ...rawAt(0), offset: 0 }])).rejects.toMatchObject({ code: 'LOG_FENCED' });
    await expect(stuck.next()).rejects.toMatchObject({ code: 'LOG_FENCED' });
    await stuck.close();
  });

  test('a member that was left without a partition, and one that left, ask for events as told', async () => {
    const log = await open();
    const member = await log.joinGroup(GROUP);
    const first = await member.next();
    expect(first).toMatchObject({ kind: 'assigned', kept: [] });
    const waiting = member.next();
    await expect(member.next()).rejects.toThrow('one event at a time');
    await member.close();
    await member.close();
    expect(await waiting).toBeUndefined();
    expect(await member.next()).toBeUndefined();
    await expect(member.commit([])).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  });

  if (!supports.sessions) return;

  test('a member of which nothing is heard loses its partitions when its session is over', async () => {
    const log = await open({ sessionMaxMs: 3000 });
    const dead = await log.joinGroup(GROUP);
    await dead.next();
    const b = await Worker.join(log);
    world().silence(dead.memberId);
    await world().advance(2000);
    expect(b.owned).toEqual([]);
    await world().advance(1500);
    await settled(b);
    await expect(dead.commit([{ ...rawAt(0), offset: 0 }])).rejects.toMatchObject({ code: 'LOG_FENCED' });
  });
}
