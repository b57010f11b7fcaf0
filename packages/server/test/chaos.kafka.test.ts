import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '@tidemark/base';
import { chooseSeed, rounds } from '@tidemark/testkit';
import { type Kafka, sharedSchemaRegistry, startKafka, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { AvroWriter } from './chaos/avro-writer.ts';
import { told, unexplained } from './chaos/falls.ts';
import { type Harm, harm, planFaults } from './chaos/faults.ts';
import { Fleet } from './chaos/fleet.ts';
import { expectRecorded, expectRows, expectSamples, type Sent } from './crash/checks.ts';
import { endAlert, moveFlag } from './crash/flag.ts';
import { Receiver } from './crash/receiver.ts';
import { type FastTime, fastTime, RATE } from './crash/time.ts';
import { Writer } from './crash/writer.ts';

// Every role in processes of its own on a Kafka of their own, while they are killed, stopped for longer than their session, and the
// broker is killed under them: one fault of each class, then any (chaos/faults.ts). Afterwards every acknowledged sample is there
// once, whichever way it came; every row of minutes and hours is what the plain computation says; every alert was told to fire and
// to be over; and whoever ended by itself did so for a reason that is known (chaos/falls.ts).
//
//   writer ─▶ ingest ──────────────────────────┐
//   Avro producer ─▶ samples ─▶ spread-0, -1 ─▶ raw ─▶ rollup-0, -1 ─▶ 1m, 1h ─▶ store-0, -1 ─▶ query
//                                                └────────────────────────▶ store-0, -1 ─▶ rules ─▶ notify ─▶ receiver
//
// One world a seed. `npm run chaos -- --seed N --rounds M` plays the worlds of the seeds N to N + M - 1.

const WORLDS = rounds(1);
// Beside one of each class.
const OTHER_FAULTS = 2;
const SESSION_MS = 6000;
const RULE_INTERVAL_MS = 5000;
const LEAST_MS = 12 * 60_000;
const TOLD_WITHIN_MS = 90_000;
// An alert is valid for 4 minutes, news of it comes every minute, and on a busy machine it is a while until it comes again: a broker
// that is away for longer than this may let it end.
const SILENCE_MS = 80_000;
const RULES = `groups:
- name: chaos
  interval: 5s
  rules:
  - { record: "crash:flag", expr: crash_flag }
  - { alert: CrashFlag, expr: crash_flag == 1, labels: { severity: page } }
`;

test(`chaos: ${WORLDS} worlds lose nothing`, { timeout: WORLDS * 600_000 }, async () => {
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
  const faults = planFaults(random, SESSION_MS, OTHER_FAULTS);
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

  const { did, absences }: Harm = { did: [], absences: [] };
  try {
    for (const fault of faults) await harm(fleet, kafka, fault, { did, absences });
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
    expect(writer.batches).toBeGreaterThan(faults.length * 3);
    expect(new Set(receiver.told.map(({ startsAt }) => startsAt)).size, 'alerts').toBeGreaterThan(0);
    const silences = absences.filter(({ fromMs, toMs }) => (toMs - fromMs) * RATE > SILENCE_MS);
    receiver.expectOnce(faults.length, silences);
    expect(unexplained(fleet.fell, absences).map(told), 'ended by themselves, for no reason that is known').toEqual([]);
  } catch (error) {
    const fell = fleet.fell.map((fall) => `--- ended by itself: ${told(fall)}`).join('\n');
    if (error instanceof Error) error.message += `\n\n${did.join(', ')}\n${fell}\n${fleet.lastWords}`;
    throw error;
  }
  const named = fleet.fell.map(({ name }) => name).join(', ');
  return named === '' ? did : [...did, `ended by themselves for reasons that are known: ${named}`];
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
