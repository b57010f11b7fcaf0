import { type Random, seededRandom } from '@tidemark/base';
import { Serdes } from '@tidemark/stream-rollup';
import { TopologyTestDriver } from '@tidemark/stream-rollup/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KafkaStreams, type Played } from './java.ts';
import { TOPOLOGIES, topologyOf } from './topologies.ts';

// The same records through the same topologies, in Kafka Streams and here: what comes out has to be the same, record by record, with
// keys, values, times and windows. A seed is one sequence: times jump to and fro around the edges of windows and of their
// grace, keys and values may be null.
//
//   npm run fuzz -- kafka-streams --from 1 --to 100000

const FROM = Number(process.env['FROM'] ?? '1');
const TO = Number(process.env['TO'] ?? '320');
const NAMES = Object.keys(TOPOLOGIES);

let java: KafkaStreams;
beforeAll(() => {
  java = KafkaStreams.start();
});
afterAll(() => java?.close());

function sequenceOf(seed: number): { name: string; records: readonly Played[] } {
  const random = seededRandom(seed);
  const name = NAMES[seed % NAMES.length] as string;
  const length = 1 + random.below(60);
  const records: Played[] = [];
  let nowMs = random.below(300);
  for (let i = 0; i < length; i++) {
    nowMs = Math.max(0, nowMs + stepOf(random));
    const key = random.below(20) === 0 ? null : (['k1', 'k2', 'k3', 'm'][random.below(4)] as string);
    const value = random.below(8) === 0 ? null : (['a', 'b', 'c', 'dd'][random.below(4)] as string);
    records.push({ topic: 'in', key, value, timestampMs: nowMs });
  }
  return { name, records };
}

/** Mostly onward by little; at times back, far ahead, or to the millisecond of an edge. */
function stepOf(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return -random.below(160);
    case 1:
      return random.below(400);
    case 2:
      return [-50, -1, 0, 1, 10, 20, 30, 40, 50, 100][random.below(10)] as number;
    default:
      return random.below(25);
  }
}

async function playHere(name: string, records: readonly Played[]): Promise<readonly string[]> {
  const driver = await TopologyTestDriver.start(topologyOf(name));
  const input = driver.createInputTopic('in', Serdes.string, Serdes.string);
  for (const { key, value, timestampMs } of records) input.pipeInput(key, value, timestampMs);
  const output = driver.createOutputTopic('out', Serdes.string, Serdes.string);
  const lines = output
    .readRecordsToList()
    .map(({ key, value, timestampMs }) => [key ?? '~', value ?? '~', timestampMs].join('\t'));
  await driver.close();
  return lines;
}

test('sequences come out as they do of Kafka Streams', async () => {
  for (let seed = FROM; seed <= TO; seed++) {
    const { name, records } = sequenceOf(seed);
    const theirs = await java.play(name, records);
    const ours = await playHere(name, records);
    expect(
      ours,
      `seed ${seed}, ${name}; again with: npm run fuzz -- kafka-streams --from ${seed} --to ${seed}`,
    ).toEqual(theirs);
  }
});

/** Children of a node come in no order there that anyone could name; here by name. */
function inOrder(text: string): string {
  return text.replace(/(--> |<-- )(.*)/g, (_all, arrow, names) => arrow + names.split(', ').sort().join(', '));
}

describe('a topology reads as it does there', () => {
  test.each(NAMES)('%s', async (name) => {
    expect(topologyOf(name).describe()).toBe(inOrder(await java.describe(name)));
  });
});
