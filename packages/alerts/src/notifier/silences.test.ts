import { SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { SimLog } from '@tidemark/log/sim';
import { labelsOf, topicName } from '@tidemark/model';
import { expect, test } from 'vitest';
import { alertTopics } from '../event/topics.ts';
import { encodeSilence } from './silence.ts';
import { Silences } from './silences.ts';

const HOUR_MS = 3_600_000;

async function world(limits: { readonly silencesMax?: number; readonly bytesMax?: number } = {}) {
  const clock = new SimClock(HOUR_MS);
  const log = new SimLog({ clock });
  await log.ensureTopics(alertTopics());
  let unreadable = 0;
  const open = async () => {
    const silences = new Silences({
      log,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      onUnreadable: () => unreadable++,
      ...limits,
    });
    await silences.load();
    return silences;
  };
  return { clock, log, open, unreadable: () => unreadable };
}

const input = (matchers: Readonly<Record<string, string>>, over: object = {}) => ({
  id: '',
  matchers: Object.entries(matchers).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
  startsAt: 0,
  endsAt: 2 * HOUR_MS,
  createdBy: 'ada',
  comment: 'why',
  ...over,
});

test('every kind of matcher, found by a label’s value or by trying', async () => {
  const { open, clock } = await world();
  const silences = await open();
  const matchers = (isRegex: boolean, isEqual: boolean, value: string) => [
    { name: 'a', value, isRegex, isEqual },
    { name: 'b', value: 'x', isRegex: true, isEqual: true },
  ];
  const ids = [
    await silences.set('t', input({ a: '1' })),
    await silences.set('t', input({}, { matchers: matchers(false, true, '2') })),
    await silences.set('t', input({}, { matchers: matchers(false, false, '1') })),
    await silences.set('t', input({}, { matchers: matchers(true, true, '1|3') })),
    await silences.set('t', input({}, { matchers: matchers(true, false, '1|3') })),
  ];
  const hits = (labels: Readonly<Record<string, string>>) =>
    silences
      .silencing('t', labelsOf(labels), clock.nowMs())
      .map((id) => ids.indexOf(id))
      .sort();
  expect(hits({ a: '1' })).toEqual([0]);
  expect(hits({ a: '1', b: 'x' })).toEqual([0, 3]);
  expect(hits({ a: '2', b: 'x' })).toEqual([1, 2, 4]);
  expect(hits({ b: 'x' })).toEqual([2, 4]);
  expect(hits({ a: '3', b: 'y' })).toEqual([]);
});

test('what cannot be written does not hold', async () => {
  const { open, log, clock } = await world();
  const silences = await open();
  log.faults.failNextAppend({ when: 'before' });
  await expect(silences.set('t', input({ a: '1' }))).rejects.toMatchObject({ code: 'LOG_IO' });
  expect(silences.silencing('t', labelsOf({ a: '1' }), clock.nowMs())).toEqual([]);
  const id = await silences.set('t', input({ a: '1' }));
  log.faults.failNextAppend({ when: 'before' });
  await expect(silences.expire('t', id)).rejects.toMatchObject({ code: 'LOG_IO' });
  expect(silences.silencing('t', labelsOf({ a: '1' }), clock.nowMs())).toEqual([id]);
});

test.each([
  [input({}), 'at least one matcher required'],
  [input({ a: '' }), 'must not match the empty string'],
  [
    input({}, { matchers: [{ name: 'a', value: '.*', isRegex: true, isEqual: true }] }),
    'must not match the empty string',
  ],
  [input({ '': 'x' }), 'invalid label name ""'],
  [input({}, { matchers: [{ name: 'a', value: '(', isRegex: true, isEqual: true }] }), 'regex'],
  [input({ a: 'x' }, { comment: 'x'.repeat(3000) }), 'more than 2000 bytes'],
])('%#: refused with a reason', async (wrong, reason) => {
  const { open } = await world({ bytesMax: 2000 });
  await expect((await open()).set('t', wrong)).rejects.toMatchObject({
    code: 'SILENCE_INVALID',
    message: expect.stringContaining(reason),
  });
});

test('everything but one may be silenced', async () => {
  const { open, clock } = await world();
  const silences = await open();
  const not = { name: 'env', value: 'prod', isRegex: false, isEqual: false };
  const id = await silences.set('t', input({}, { matchers: [not] }));
  const hits = (labels: Record<string, string>) => silences.silencing('t', labelsOf(labels), clock.nowMs());
  expect([hits({ env: 'dev' }), hits({ a: 'b' }), hits({ env: 'prod' })]).toEqual([[id], [id], []]);
});

test('no more than there may be; a change is none more', async () => {
  const { open } = await world({ silencesMax: 1 });
  const silences = await open();
  const id = await silences.set('t', input({ a: '1' }));
  await expect(silences.set('t', input({ a: '2' }))).rejects.toMatchObject({ code: 'SILENCES_FULL' });
  const startsAt = silences.get('t', id)?.record.startsAt;
  expect(await silences.set('t', input({ a: '1' }, { id, startsAt, comment: 'other' }))).toBe(id);
});

test('of another tenant there is nothing to see or change', async () => {
  const { open } = await world();
  const silences = await open();
  const id = await silences.set('t', input({ a: '1' }));
  expect(silences.get('other', id)).toBeUndefined();
  await expect(silences.expire('other', id)).rejects.toMatchObject({ code: 'SILENCE_NOT_FOUND' });
});

test('each change leaves a line for people', async () => {
  const { open, log } = await world();
  const silences = await open();
  const id = await silences.set('t', input({ a: '1' }));
  const { startsAt } = silences.get('t', id)?.record ?? { startsAt: 0 };
  await silences.set('t', input({ a: '1' }, { id, startsAt, comment: 'longer' }));
  await silences.expire('t', id);
  const reader = await log.openReader({
    group: 'look',
    from: [{ topic: topicName('audit'), partition: 0, offset: 'earliest' }],
  });
  const lines = (await reader.fetch({ maxBytes: 1e6, maxWaitMs: 0 })).flatMap(({ records }) =>
    records.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString('utf8')) as Record<string, unknown>),
  );
  expect(lines.map(({ action, comment }) => `${action} ${comment}`)).toEqual([
    'silence.create why',
    'silence.update longer',
    'silence.expire longer',
  ]);
  expect(lines[0]).toMatchObject({ tenant: 't', id, createdBy: 'ada', at: HOUR_MS });
});

test('one that cannot be read is counted, and the others hold; other records of the topic are not ours', async () => {
  const { open, log, unreadable, clock } = await world();
  const first = await open();
  const id = await first.set('t', input({ a: '1' }));
  const damaged = encodeSilence({
    ...(first.get('t', id)?.record as never as Parameters<typeof encodeSilence>[0]),
    id: 'x',
  });
  damaged[damaged.length - 1] = (damaged[damaged.length - 1] as number) ^ 1;
  const topic = topicName('config');
  await log.append([
    { topic, partition: 0, key: Buffer.from('\u0007silence\u0001t\u0001x'), value: damaged },
    { topic, partition: 0, key: Buffer.from('schema/3'), value: Buffer.from('{}') },
  ]);
  const second = await open();
  expect(second.silencing('t', labelsOf({ a: '1' }), clock.nowMs())).toEqual([id]);
  expect(unreadable()).toBe(1);
});
