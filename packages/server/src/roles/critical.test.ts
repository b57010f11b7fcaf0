import { SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { IngestPipeline } from '@tidemark/ingest';
import { SimLog } from '@tidemark/log/sim';
import { BatchBuilder, TOPIC_INTENTS, topicName } from '@tidemark/model';
import { expect, test } from 'vitest';
import { CONFIG_SCHEMA, type Config, type Role } from '../config/schema.ts';
import { CriticalSetting } from './critical.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const START_MS = 500_000 * HOUR_MS;

function configOf(kind: 'embedded' | 'kafka', roles: readonly Role[], critical: readonly string[]): Config {
  const config = { roles, log: { kind, partitions: 1 }, kafka: { brokers: ['localhost:9092'] }, ingest: { critical } };
  return CONFIG_SCHEMA.parse(config);
}

async function world() {
  const clock = new SimClock(START_MS);
  const log = new SimLog({ clock });
  await log.ensureTopics(
    TOPIC_INTENTS.map(({ role, compacted, retentionMs }) => {
      return { name: topicName(role), partitions: 1, compacted, retentionMs };
    }),
  );
  /** A process that takes samples in. */
  const startProcess = async (config: Config) => {
    const parts = { clock, random: seededRandom(1), log, metrics: new SelfMetrics(), logger: silentLogger };
    const pipeline = new IngestPipeline(parts, { partitions: 1 });
    const onFailure = (what: string, error: unknown) => expect.unreachable(`${what}: ${error}`);
    const take = pipeline.setCritical.bind(pipeline);
    const setting = await CriticalSetting.open({ config, log, clock, logger: silentLogger, take, onFailure });
    const send = async (timestampMs: number, metric = 'up') => {
      const builder = new BatchBuilder('default');
      builder.addLabels([{ name: '__name__', value: metric }], timestampMs, 1);
      await pipeline.append(builder.build(clock.nowMs()));
    };
    return { setting, send };
  };
  const ends = async () => {
    const [raw] = await log.bounds('tidemark.raw');
    const [critical] = await log.bounds('tidemark.raw-critical');
    return [raw?.end, critical?.end];
  };
  return { clock, log, startProcess, ends };
}

test('on an empty log the list holds at once', async () => {
  const { clock, startProcess, ends } = await world();
  const { setting, send } = await startProcess(configOf('embedded', ['ingest'], ['up', 'http_.*']));
  for (const metric of ['up', 'upper', 'http_requests_total']) await send(clock.nowMs(), metric);
  expect(await ends()).toEqual([1, 2]);
  await setting.close();
});

test('a list that changes at a restart holds for samples after the hour, sent when they may be, and for no other', async () => {
  const { clock, startProcess, ends } = await world();
  const before = await startProcess(configOf('embedded', ['ingest'], []));
  await before.send(START_MS);
  await before.setting.close();
  const after = await startProcess(configOf('embedded', ['ingest'], ['up']));
  const hourMs = START_MS + HOUR_MS;
  await clock.advance(30 * MINUTE_MS);
  await after.send(clock.nowMs());
  expect(await ends()).toEqual([2, 0]);
  await clock.advance(25 * MINUTE_MS);
  // Ahead of time, and at its edge.
  await after.send(hourMs);
  await after.send(hourMs + 1);
  expect(await ends()).toEqual([3, 1]);
  await clock.advance(HOUR_MS);
  // One that comes late, or again, goes where it went.
  await after.send(START_MS);
  await after.send(clock.nowMs());
  expect(await ends()).toEqual([4, 2]);
  await after.setting.close();
});

test('processes that share the log hear of what one of them decides; one without the role decides nothing', async () => {
  const { clock, startProcess, ends } = await world();
  const gateway = await startProcess(configOf('kafka', ['ingest'], ['up']));
  const collector = await startProcess(configOf('kafka', ['collect'], []));
  await collector.send(clock.nowMs());
  expect(await ends()).toEqual([0, 1]);
  const other = await startProcess(configOf('kafka', ['ingest'], []));
  await clock.advance(10_000);
  await clock.advance(HOUR_MS + MINUTE_MS);
  for (const { send } of [gateway, collector, other]) await send(clock.nowMs());
  expect(await ends()).toEqual([3, 1]);
  for (const { setting } of [gateway, collector, other]) await setting.close();
});

test('a process that cannot ask for minutes takes nothing in until it has', async () => {
  const { clock, log, startProcess } = await world();
  const { setting, send } = await startProcess(configOf('kafka', ['ingest'], ['up']));
  const bounds = log.bounds.bind(log);
  log.bounds = () => Promise.reject(new Error('away'));
  await clock.advance(4 * MINUTE_MS);
  await send(clock.nowMs());
  await clock.advance(2 * MINUTE_MS);
  await expect(send(clock.nowMs())).rejects.toMatchObject({ code: 'INGEST_UNAVAILABLE' });
  log.bounds = bounds;
  await clock.advance(5_000);
  await send(clock.nowMs());
  await setting.close();
});
