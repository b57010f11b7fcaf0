import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Random, seededRandom } from '@tidemark/base';
import { chooseSeed, rounds } from '@tidemark/testkit';
import { type Kafka, sharedSchemaRegistry, startKafka, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { AvroWriter } from './chaos/avro-writer.ts';
import { Fleet, type Name } from './chaos/fleet.ts';
import { expectRecorded, expectRows, expectSamples, type Sent } from './crash/checks.ts';
import { endAlert, moveFlag } from './crash/flag.ts';
import { Receiver } from './crash/receiver.ts';
import { type FastTime, fastTime, RATE } from './crash/time.ts';
import { Writer } from './crash/writer.ts';

// Every role in processes of its own on a Kafka of their own, while they are killed at random, stopped for longer than their
// session, and the broker is killed under them. Afterwards every acknowledged sample is there once, whichever way it came; every row
// of minutes and hours is what the plain computation says; every alert was told to fire and to be over.
//
//   writer ─▶ ingest ──────────────────────────┐
//   Avro producer ─▶ samples ─▶ spread-0, -1 ─▶ raw ─▶ rollup-0, -1 ─▶ 1m, 1h ─▶ store-0, -1 ─▶ query
//                                                └────────────────────────▶ store-0, -1 ─▶ rules ─▶ notify ─▶ receiver
//
// One world a seed. `npm run chaos -- --seed N --rounds M` plays the worlds of the seeds N to N + M - 1.

const WORLDS = rounds(1);
const FAULTS = 7;
const SESSION_MS = 6000;
const RULE_INTERVAL_MS = 5000;
const LEAST_MS = 12 * 60_000;
const TOLD_WITHIN_MS = 90_000;
const VICTIMS: readonly Name[] = [
  'store-0',
  'store-1',
  'rollup-0',
  'rollup-1',
  'spread-0',
  'spread-1',
  'notify',
  'rules',
  'ingest',
];
const RULES = `groups:
- name: chaos
  interval: 5s
  rules:
  - { record: "crash:flag", expr: crash_flag }
  - { alert: CrashFlag, expr: crash_flag == 1, labels: { severity: page } }
`;

test(`chaos: ${WORLDS} worlds of ${FAULTS} faults lose nothing`, { timeout: WORLDS * 600_000 }, async () => {
  const first = chooseSeed();
  for (let seed = first; seed < first + WORLDS; seed++) {
    const began = performance.now();
    try {
      const did = await playWorld(seed);
      const took = Math.round((performance.now() - began) / 1000);
      process.stdout.write(
        `chaos: seed ${seed} (${seed - first + 1} of ${WORLDS}) held, ${took} s: ${did.join(', ')}\n`,
      );
    } catch (error) {
      const replay = `SEED=${seed} ROUNDS=1 npx vitest run packages/server/test/chaos.kafka.test.ts`;
      throw new Error(`world ${seed} did not hold. To play it again: ${replay}`, { cause: error });
    }
  }
});

async function playWorld(seed: number): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const time = fastTime();
  await using cleanup = new AsyncDisposableStack();
  const [kafka, registry, folder, receiver] = await Promise.all([
    startKafka({ own: true }),
    sharedSchemaRegistry(),
    tempFolder('chaos'),
    new Receiver().start(),
  ]);
  for (const each of [kafka, folder, receiver]) cleanup.use(each);
  const fleet = cleanup.use(await startFleet(kafka, registry.url, folder.path, receiver.url, time));
  const writer = new Writer(time, random.below(2 ** 31));
  const topic = 'tidemark.samples';
  const avro = cleanup.use(
    new AvroWriter(time, random.below(2 ** 31), [kafka.bootstrap.join(','), registry.url, topic]),
  );
  fleet.watch();
  const stop = new AbortController();
  const ingest = fleet.of('ingest').url;
  const writing = Promise.all([
    during(stop.signal, async () => {
      moveFlag(writer, receiver);
      await sendIfItCan(writer, ingest);
    }),
    during(stop.signal, () => avro.send()),
  ]);

  const did: string[] = [];
  try {
    for (let fault = 0; fault < FAULTS; fault++) did.push(await harm(fleet, kafka, random));
    await fleet.settle();
  } finally {
    stop.abort();
    await writing;
  }
  try {
    await endAlert(ingest, writer, receiver, TOLD_WITHIN_MS);
    await writer.settle(ingest);
    await time.passed(LEAST_MS);
    await expectAll(fleet, [writer, avro], time);
    expect(writer.batches).toBeGreaterThan(FAULTS * 3);
    expect(new Set(receiver.told.map(({ startsAt }) => startsAt)).size, 'alerts').toBeGreaterThan(0);
    receiver.expectOnce(FAULTS);
  } catch (error) {
    const fell = fleet.fell.map((words) => `--- ended by itself: ${words}`).join('\n');
    if (error instanceof Error) error.message += `\n\n${did.join(', ')}\n${fell}\n${fleet.lastWords}`;
    throw error;
  }
  return fleet.fell.length === 0 ? did : [...did, `${fleet.fell.length} ended by themselves`];
}

async function expectAll(fleet: Fleet, all: readonly Sent[], time: FastTime): Promise<void> {
  const { url } = fleet.of('query');
  for (const sent of all) await expectSamples(url, sent, time);
  await expectRecorded(url, time, RULE_INTERVAL_MS);
  for (const sent of all) {
    await expectRows(url, sent, '1h', time);
    await expectRows(url, sent, '1m', time);
  }
}

async function startFleet(
  kafka: Kafka,
  registryUrl: string,
  folder: string,
  receiverUrl: string,
  time: FastTime,
): Promise<Fleet> {
  const rules = join(folder, 'rules.yml');
  await writeFile(rules, RULES);
  const common: Record<string, string> = {
    TIDEMARK_LOG_KIND: 'kafka',
    TIDEMARK_KAFKA_BROKERS: kafka.bootstrap.join(','),
    TIDEMARK_KAFKA_SESSION_TIMEOUT: `${SESSION_MS}ms`,
    TIDEMARK_STORE_CHECKPOINT_INTERVAL: '20s',
    TIDEMARK_TESTING_CLOCK_RATE: String(RATE),
    TIDEMARK_TESTING_CLOCK_ORIGIN: String(time.originMs),
  };
  const store = (ordinal: number) => ({
    roles: 'store',
    env: { ...common, TIDEMARK_STORE_REPLICAS: '2', TIDEMARK_STORE_ORDINAL: String(ordinal) },
  });
  const rollup = (ordinal: number) => ({
    roles: 'rollup',
    env: { ...common, TIDEMARK_ROLLUP_REPLICAS: '2', TIDEMARK_ROLLUP_ORDINAL: String(ordinal) },
  });
  await using starting = new AsyncDisposableStack();
  const fleet = starting.use(new Fleet());
  const [store0, store1] = await Promise.all([fleet.start('store-0', store(0)), fleet.start('store-1', store(1))]);
  const asks = { ...common, TIDEMARK_QUERY_STORES: `${store0.url},${store1.url}` };
  const spread = { roles: 'repartition', env: { ...common, TIDEMARK_REGISTRY_URL: registryUrl } };
  await Promise.all([
    fleet.start('ingest', { roles: 'ingest', env: common }),
    fleet.start('rollup-0', rollup(0)),
    fleet.start('rollup-1', rollup(1)),
    fleet.start('spread-0', spread),
    fleet.start('spread-1', spread),
  ]);
  await Promise.all([
    fleet.start('query', { roles: 'query', env: asks }),
    fleet.start('rules', { roles: 'rules', env: { ...asks, TIDEMARK_RULES_FILES: rules } }),
    fleet.start('notify', {
      roles: 'notify',
      env: {
        ...common,
        TIDEMARK_NOTIFIER_WEBHOOK_URL: receiverUrl,
        TIDEMARK_NOTIFIER_GROUP_WAIT: '2s',
        TIDEMARK_NOTIFIER_GROUP_INTERVAL: '5s',
        TIDEMARK_NOTIFIER_REPEAT_INTERVAL: '1000h',
      },
    }),
  ]);
  starting.move();
  return fleet;
}

/** One fault, and some quiet after it. Says what it was. */
async function harm(fleet: Fleet, kafka: Kafka, random: Random): Promise<string> {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const victim = VICTIMS[random.below(VICTIMS.length)] as Name;
  const kind = random.below(10);
  const quietMs = 1000 + random.below(2500);
  if (kind === 0) {
    await kafka.kill9(0);
    await pause(random.below(3000));
    await kafka.restart(0);
    await pause(quietMs);
    return 'broker killed';
  }
  if (kind < 4) {
    const stopped = SESSION_MS + 500 + random.below(2000);
    fleet.signal(victim, 'SIGSTOP');
    await pause(stopped);
    fleet.signal(victim, 'SIGCONT');
    await pause(quietMs);
    return `${victim} stopped for ${stopped} ms`;
  }
  await fleet.kill9(victim);
  await pause(quietMs);
  return `${victim} killed`;
}

async function during(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whoever is away is tried again later. */
async function sendIfItCan(writer: Writer, url: string): Promise<void> {
  try {
    await writer.send(url);
  } catch (error) {
    expect(String(error)).toMatch(/fetch failed|terminated|other side closed/);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
