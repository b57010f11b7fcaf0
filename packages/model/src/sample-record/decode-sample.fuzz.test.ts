import { isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import avsc from 'avsc';
import { expect, test } from 'vitest';
import { METRIC_TYPES } from '../batch/series-section.ts';
import { decodeLabels, labelsOf } from '../labels.ts';
import { SampleDecoder } from './decode-sample.ts';
import { planOf, type SamplePlan } from './sample-plan.ts';
import { SAMPLE_SCHEMA } from './sample-record.ts';

// Samples of writers that are older, newer and otherwise than we, written by the library: ours reads what the library's own
// resolution reads. Then cut at every byte, and bent: refused by name, or read, and never with anything else.

const SEED = Number(process.env['SEED'] ?? 20_261_128);
const ROUNDS = Number(process.env['ROUNDS'] ?? 150);
const replay = `replay: SEED=${SEED} ROUNDS=${ROUNDS}`;

type Json = Record<string, unknown>;
const OURS = JSON.parse(SAMPLE_SCHEMA) as { fields: Json[] };
const OUR_TYPE = avsc.Type.forSchema(OURS as unknown as avsc.Schema);
const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)] as T;
const text = (random: Random) => pick(random, ['', 'a', 'instance', 'ä\u{1f600}', 'x'.repeat(200), 'constructor']);

interface Writer {
  readonly schema: string;
  readonly type: avsc.Type;
  readonly resolver: avsc.Type;
  readonly plan: SamplePlan;
}

/** Some optional fields left out, some added, in another order. */
function anyWriter(random: Random): Writer {
  const kept = OURS.fields.filter(({ name }) => name === 'name' || name === 'timestamp' || random.below(3) > 0);
  // Types that stand for themselves wherever their field comes to stand: `Label` is defined where it is first used.
  const labels = kept.findIndex(({ name }) => name === 'labels');
  const fields = labels < 0 ? kept.filter(({ name }) => name !== 'exemplar') : kept;
  const added = Array.from({ length: random.below(4) }, (_, i) => ({
    name: `added${i}`,
    type: anyType(random, `T${i}`, 0),
  }));
  const shuffled: Json[] = [...fields];
  for (const field of added) shuffled.splice(random.below(shuffled.length + 1), 0, field);
  const schema = {
    type: 'record',
    name: 'Sample',
    namespace: pick(random, ['io.tidemark', 'com.example']),
    fields: shuffled,
  };
  const type = avsc.Type.forSchema(schema as avsc.Schema);
  const resolver = OUR_TYPE.createResolver(type, { ignoreNamespaces: true } as never) as unknown as avsc.Type;
  return { schema: JSON.stringify(schema), type, resolver, plan: planOf(JSON.stringify(schema)) };
}

function anyType(random: Random, name: string, depth: number): unknown {
  const inner = (more: string) => anyType(random, name + more, depth + 1);
  switch (random.below(depth > 2 ? 8 : 12)) {
    case 8:
      return { type: 'array', items: inner('a') };
    case 9:
      return { type: 'map', values: inner('m') };
    case 10:
      return {
        type: 'record',
        name: `${name}r`,
        fields: [
          { name: 'one', type: inner('x') },
          { name: 'two', type: inner('y') },
        ],
      };
    case 11:
      return ['null', { type: 'fixed', name: `${name}f`, size: 1 + random.below(9) }];
    default:
      return pick(random, ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);
  }
}

function anySample({ type }: Writer, random: Random): Json {
  const label = () => ({ name: text(random), value: text(random) });
  const labels = (most: number) => Array.from({ length: random.below(most) }, label);
  const bucket = (_: unknown, i: number) => ({ upperBound: i, count: random.below(1000) });
  const known: Json = {
    name: text(random),
    labels: labels(6),
    type: pick(random, METRIC_TYPES),
    unit: text(random),
    timestamp: pick(random, [0, -1, 1_795_000_000_123, 2 ** 52, random.below(2 ** 32)]),
    value: pick(random, [null, 0, -0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, random.next()]),
    histogram: pick(random, [null, { count: 5, sum: 0.5, buckets: Array.from({ length: random.below(5) }, bucket) }]),
    exemplar: pick(random, [null, { labels: labels(3), value: 2, timestamp: pick(random, [null, 77]) }]),
    startTime: pick(random, [null, 12_345]),
  };
  // Random values of the library's own for what was added.
  const record = type as avsc.types.RecordType;
  return Object.fromEntries(
    record.fields.map(({ name, type: fieldType }) => [name, name in known ? known[name] : fieldType.random()]),
  );
}

/** What the library reads, in our terms; undefined labels: they are to be complained of. */
function asTheLibraryReads(body: Buffer, { resolver }: Writer): object {
  const read = OUR_TYPE.fromBuffer(body, resolver as never) as Json;
  const all = [
    { name: '__name__', value: read['name'] as string },
    ...(read['labels'] as { name: string; value: string }[]),
  ];
  return {
    labels: labelsOrNot(all),
    type: METRIC_TYPES.indexOf(read['type'] as never),
    unit: read['unit'],
    timestampMs: read['timestamp'],
    startTimeMs: read['startTime'] ?? Number.NaN,
    value: read['value'] ?? undefined,
    histogram: read['histogram'] === null ? undefined : { ...(read['histogram'] as Json) },
  };
}

function labelsOrNot(all: { name: string; value: string }[]): unknown {
  if (all.some(({ name }) => name === '')) return undefined;
  try {
    return labelsOf(all).map(({ name, value }) => [name, value]);
  } catch (error) {
    if (isTidemarkError(error, 'LABELS_DUPLICATE')) return undefined;
    throw error;
  }
}

function asWeRead(value: Uint8Array, { plan }: Writer, decoder: SampleDecoder): object {
  decoder.decode(value, plan);
  const { type, unit, timestampMs, startTimeMs, histogram } = decoder;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, decoder.valueHigh);
  bits.setUint32(4, decoder.valueLow);
  return {
    labels: decoder.complaint ? undefined : decodeLabels(decoder.labels).map((label) => [label.name, label.value]),
    type,
    unit,
    timestampMs,
    startTimeMs,
    value: decoder.hasValue ? bits.getFloat64(0) : undefined,
    histogram,
  };
}

/** What it says, or undefined when it is refused by name. Anything else thrown fails the test. */
function readOrRefused(value: Uint8Array, writer: Writer, decoder: SampleDecoder): object | undefined {
  try {
    return asWeRead(value, writer, decoder);
  } catch (error) {
    if (isTidemarkError(error) && /^(SAMPLE|SCHEMA)_/.test(error.code)) return undefined;
    throw error;
  }
}

const framed = (body: Buffer) => Uint8Array.from([0, 0, 0, 0, 1, ...body]);

test(`whatever the writer, what the library reads is what we read (${replay})`, () => {
  const random = seededRandom(SEED);
  const decoder = new SampleDecoder();
  for (let round = 0; round < ROUNDS; round++) {
    const writer = anyWriter(random);
    for (let i = 0; i < 3; i++) {
      const body = writer.type.toBuffer(anySample(writer, random));
      expect(asWeRead(framed(body), writer, decoder), writer.schema).toEqual(asTheLibraryReads(body, writer));
    }
  }
});

test(`cut anywhere it is refused; bent it is refused, or read as the library reads it (${replay})`, () => {
  const random = seededRandom(SEED ^ 0x5a5a);
  const decoder = new SampleDecoder();
  let bent = 0;
  let read = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const writer = anyWriter(random);
    const body = writer.type.toBuffer(anySample(writer, random));
    const value = framed(body);
    for (let end = 5; end < value.length; end++) {
      expect(readOrRefused(value.subarray(0, end), writer, decoder), `cut at ${end} of ${writer.schema}`).toBe(
        undefined,
      );
    }
    for (let i = 0; i < 40; i++) {
      const other = value.slice();
      for (let flips = 1 + random.below(3); flips > 0; flips--) {
        const at = 5 + random.below(other.length - 5);
        other[at] = (other[at] as number) ^ (1 << random.below(8));
      }
      bent++;
      const ours = readOrRefused(other, writer, decoder);
      if (ours === undefined) continue;
      read++;
      const theirs = theirsIfAny(Buffer.from(other.subarray(5)), writer);
      if (theirs) expect(ours, `${Buffer.from(other).toString('hex')} of ${writer.schema}`).toEqual(theirs);
    }
  }
  expect(read).toBeGreaterThan(bent / 20);
});

/** The library refuses numbers beyond 2^53 that it passes over, too; between 2^52 and there it loses their last bit. */
function theirsIfAny(body: Buffer, writer: Writer): object | undefined {
  try {
    const read = asTheLibraryReads(body, writer) as { timestampMs: number; startTimeMs: number };
    const isExact = (time: number) => !(Math.abs(time) >= 2 ** 51);
    return isExact(read.timestampMs) && isExact(read.startTimeMs) ? read : undefined;
  } catch {
    return undefined;
  }
}

test(`a small record cannot make much of itself (${replay})`, () => {
  const random = seededRandom(SEED ^ 0xa5a5);
  const decoder = new SampleDecoder();
  const nothing = {
    type: 'record',
    name: 'Nothing',
    fields: Array.from({ length: 500 }, (_, i) => ({ name: `n${i}`, type: 'null' })),
  };
  const many = { name: 'many', type: { type: 'array', items: { type: 'array', items: nothing } } };
  const schema = JSON.stringify({ type: 'record', name: 'Sample', fields: [many, ...OURS.fields.slice(0, 6)] });
  const plan = planOf(schema);
  const startMs = performance.now();
  for (let i = 0; i < 1000; i++) {
    const value = framed(Buffer.from(random.bytes(40)));
    readOrRefused(value, { schema, plan } as Writer, decoder);
  }
  // A thousand at most 10,000 steps each: far below a second on any machine; without the budget, hours.
  expect(performance.now() - startMs).toBeLessThan(20_000);
});
