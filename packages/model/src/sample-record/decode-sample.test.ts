import { createHash } from 'node:crypto';
import avsc from 'avsc';
import { describe, expect, test } from 'vitest';
import { METRIC_TYPES } from '../batch/series-section.ts';
import { decodeLabels, formatLabels } from '../labels.ts';
import { SampleDecoder, schemaIdOf } from './decode-sample.ts';
import { planOf } from './sample-plan.ts';
import { encodeSampleRecord, SAMPLE_SCHEMA, type SampleFields } from './sample-record.ts';

type Json = Record<string, unknown>;

const OURS = JSON.parse(SAMPLE_SCHEMA) as Json & { fields: Json[] };
const schemaOf = (...fields: Json[]): Json => ({ type: 'record', name: 'Sample', namespace: 'io.tidemark', fields });
const NAME = { name: 'name', type: 'string' };
const TIME = { name: 'timestamp', type: 'long' };

/** What `fields` of a schema become on their way through the library and our reader. */
function through(schema: Json, fields: Json): SampleDecoder {
  const body = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false }).toBuffer(fields);
  return decoded(Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), body]), JSON.stringify(schema));
}

function decoded(value: Uint8Array, schema = SAMPLE_SCHEMA): SampleDecoder {
  const decoder = new SampleDecoder();
  decoder.decode(value, planOf(schema));
  return decoder;
}

function numberOf({ valueLow, valueHigh }: SampleDecoder): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, valueHigh);
  view.setUint32(4, valueLow);
  return view.getFloat64(0);
}

const seriesOf = (decoder: SampleDecoder) => formatLabels(decodeLabels(decoder.labels));

const whole: SampleFields = {
  name: 'http_requests_total',
  labels: [
    { name: 'path', value: '/ä' },
    { name: 'Code', value: '200' },
    { name: 'none', value: '' },
    { name: '__proto__', value: 'kept' },
  ],
  type: 'counter',
  unit: 'requests',
  timestamp: 1_795_000_000_123,
  value: 0.1,
  exemplar: { labels: [{ name: 'trace_id', value: 'abc' }], value: 0.3, timestamp: null },
  startTime: 1_794_000_000_000,
};

test('a sample comes out as it was written, its labels canonical', () => {
  const value = encodeSampleRecord(whole, 300);
  expect(schemaIdOf(value)).toBe(300);
  const sample = decoded(value);
  expect(seriesOf(sample)).toBe('http_requests_total{Code="200", __proto__="kept", path="/ä"}');
  expect([METRIC_TYPES[sample.type], sample.unit, numberOf(sample)]).toEqual(['counter', 'requests', 0.1]);
  expect([sample.timestampMs, sample.startTimeMs]).toEqual([1_795_000_000_123, 1_794_000_000_000]);
  expect(formatLabels(decodeLabels(sample.exemplar?.labels ?? new Uint8Array()))).toBe('{trace_id="abc"}');
  expect(sample.exemplar).toMatchObject({ value: 0.3, timestampMs: Number.NaN });
});

test('a decoder remembers nothing of the record before', () => {
  const decoder = new SampleDecoder();
  const plan = planOf(SAMPLE_SCHEMA);
  decoder.decode(encodeSampleRecord(whole, 1), plan);
  const histogram = { count: 3, sum: 1.5, buckets: [{ upperBound: 1, count: 2 }] };
  decoder.decode(encodeSampleRecord({ name: 'up', timestamp: 5, histogram }, 1), plan);
  expect(seriesOf(decoder)).toBe('up');
  const { type, unit, startTimeMs, hasValue, exemplar } = decoder;
  expect({ type, unit, startTimeMs, hasValue, exemplar, histogram: decoder.histogram }).toEqual({
    type: 0,
    unit: '',
    startTimeMs: Number.NaN,
    hasValue: false,
    exemplar: undefined,
    histogram,
  });
});

test('values keep every bit: a stale marker, -0, another NaN', () => {
  for (const hex of ['020000000000f07f', '0000000000000080', '010000000000f8ff']) {
    const value = Buffer.from(encodeSampleRecord({ name: 'up', timestamp: 1, value: 1 }, 1));
    const at = value.indexOf(Buffer.from('000000000000f03f', 'hex'));
    value.write(hex, at, 'hex');
    const { valueLow, valueHigh } = decoded(value);
    const bits = Buffer.alloc(8);
    bits.writeUInt32LE(valueLow, 0);
    bits.writeUInt32LE(valueHigh, 4);
    expect(bits.toString('hex')).toBe(hex);
  }
});

describe('evolution', () => {
  test('a field added by the writer is passed over, whatever it is', () => {
    const later = { ...OURS, fields: [...OURS.fields] };
    const odd: Json[] = [
      { name: 'constructor', type: { type: 'map', values: 'long' } },
      { name: '__proto__', type: { type: 'array', items: ['null', 'string'] } },
      { name: 'site', type: { type: 'fixed', name: 'Site', size: 3 } },
    ];
    later.fields.splice(1, 0, ...odd);
    // By hand: the library itself reads and writes no field of such a name.
    const value = Buffer.from(encodeSampleRecord({ name: 'up', timestamp: 7, value: 2 }, 1));
    const map = [2, 2, 0x61, 4, 0];
    const array = [1, 6, 2, 2, 0x78, 0];
    const added = Buffer.from([...map, ...array, 1, 2, 3]);
    const at = 5 + 1 + 2;
    const sample = decoded(Buffer.concat([value.subarray(0, at), added, value.subarray(at)]), JSON.stringify(later));
    expect([seriesOf(sample), sample.timestampMs, numberOf(sample)]).toEqual(['up', 7, 2]);
  });

  test('a writer that lacks what we have: defaults', () => {
    const sample = through(schemaOf(NAME, TIME, { name: 'value', type: 'double' }), {
      name: 'up',
      timestamp: 7,
      value: 2,
    });
    expect([seriesOf(sample), numberOf(sample), sample.type, sample.startTimeMs]).toEqual(['up', 2, 0, Number.NaN]);
  });

  test.each<[string, Json, unknown, number]>([
    ['int', { name: 'value', type: 'int' }, 5, 5],
    ['long', { name: 'value', type: ['null', 'long'] }, -5, -5],
    ['float', { name: 'value', type: 'float' }, 0.5, 0.5],
  ])('a value that is %s becomes a double', (_, field, given, wanted) => {
    expect(numberOf(through(schemaOf(NAME, TIME, field), { name: 'up', timestamp: 7, value: given }))).toBe(wanted);
  });

  test.each([
    ['timestamp-micros', 1_795_000_000_123_456],
    ['timestamp-millis', 1_795_000_000_123],
  ])('a time in %s', (logicalType, timestamp) => {
    const time = { name: 'timestamp', type: { type: 'long', logicalType } };
    const sample = through(schemaOf(NAME, time), { name: 'up', timestamp });
    expect(sample.timestampMs).toBe(1_795_000_000_123);
  });

  test('a kind of metric that we do not know is unknown', () => {
    const kinds = { type: 'enum', name: 'Kind', symbols: ['nova', 'gauge'] };
    const schema = schemaOf(NAME, TIME, { name: 'type', type: kinds });
    const kind = (type: string) => METRIC_TYPES[through(schema, { name: 'up', timestamp: 1, type }).type];
    expect([kind('nova'), kind('gauge')]).toEqual(['unknown', 'gauge']);
  });

  test('an older reader by the library reads what we write', () => {
    const older = { ...OURS, fields: OURS.fields.filter(({ name }) => name !== 'exemplar' && name !== 'startTime') };
    const reader = avsc.Type.forSchema(older as avsc.Schema);
    const resolver = reader.createResolver(avsc.Type.forSchema(OURS as avsc.Schema));
    const body = Buffer.from(encodeSampleRecord(whole, 1).subarray(5));
    expect(reader.fromBuffer(body, resolver)).toMatchObject({ name: whole.name, value: 0.1, unit: 'requests' });
  });

  test.each<[string, Json | string, RegExp]>([
    ['another record', { ...schemaOf(NAME, TIME), name: 'Order' }, /a record "Order", not a record "Sample"/],
    ['no name', schemaOf(TIME), /no field name/],
    ['a time as text', schemaOf(NAME, { name: 'timestamp', type: 'string' }), /timestamp can be none of int, long/],
    ['no record', '"string"', /of kind string/],
  ])('%s is no sample', (_, schema, message) => {
    const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
    expect(() => planOf(text)).toThrow(expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE' }));
    expect(() => planOf(text)).toThrow(message);
  });

  test.each<[string, string]>([
    ['a page instead of a schema', '<html>log in</html>'],
    ['no type at all', '{}'],
    ['null', 'null'],
    ['a type that is not there', JSON.stringify(schemaOf(NAME, { name: 'x', type: 'Elsewhere' }))],
    ['types without end', `${'{"type":"array","items":'.repeat(100)}"null"${'}'.repeat(100)}`],
    ['a field twice', JSON.stringify(schemaOf(NAME, NAME))],
    ['too many types', JSON.stringify(Array(3000).fill('null'))],
    ['too large', JSON.stringify({ type: 'string', doc: 'x'.repeat(300_000) })],
  ])('%s is refused', (_, text) => {
    expect(() => planOf(text)).toThrow(expect.objectContaining({ code: 'SCHEMA_MALFORMED' }));
  });
});

describe('unreadable', () => {
  const good = encodeSampleRecord(whole, 1);
  const array = (items: unknown) =>
    JSON.stringify(schemaOf({ name: 'many', type: { type: 'array', items } }, NAME, TIME));
  const frame = (...bytes: number[]) => Uint8Array.from([0, 0, 0, 0, 1, ...bytes]);
  const nest = { type: 'record', name: 'Nest', fields: [{ name: 'inner', type: ['null', 'Nest'] }] };

  test.each<[string, Uint8Array, string, string]>([
    ['cut short', good.subarray(0, good.length - 9), SAMPLE_SCHEMA, 'SAMPLE_TRUNCATED'],
    ['bytes behind', Uint8Array.from([...good, 0]), SAMPLE_SCHEMA, 'SAMPLE_TRAILING'],
    ['fifty million nulls in five bytes', frame(0x80, 0xc2, 0xd7, 0x2f, 0), array('null'), 'SAMPLE_TOO_LARGE'],
    ['2^62 nulls', frame(...Array(8).fill(0x80), 0x80, 1, 0), array('null'), 'SAMPLE_TOO_LARGE'],
    ['a block of size', frame(1, 0x80, 0x80, 0x80, 8, 0), array('null'), 'SAMPLE_TRUNCATED'],
    ['a number without end', frame(...Array(12).fill(0xff)), array('null'), 'SAMPLE_MALFORMED'],
    ['a type within itself', frame(2, ...Array(100).fill(2), 0, 0), array(nest), 'SAMPLE_TOO_LARGE'],
    ['a branch that is none', frame(2, 8), array(['null', 'string']), 'SAMPLE_MALFORMED'],
    ['a negative length', frame(2, 1), array('string'), 'SAMPLE_MALFORMED'],
    ['a huge length', frame(2, 0xfe, 0xff, 0xff, 0xff, 0x0f), array('bytes'), 'SAMPLE_TRUNCATED'],
    ['no UTF-8', frame(0, 2, 0xff, 2), array('null'), 'SAMPLE_MALFORMED'],
  ])('%s', (_, value, schema, code) => {
    expect(() => decoded(value, schema)).toThrow(expect.objectContaining({ code }));
  });

  test.each<[string, Uint8Array | null, string]>([
    ['nothing', null, 'SAMPLE_EMPTY'],
    ['JSON', Buffer.from('{"name":"up"}'), 'SAMPLE_MAGIC'],
    ['half a framing', Uint8Array.of(0, 0, 0), 'SAMPLE_TRUNCATED'],
    ['a megabyte', new Uint8Array(1024 * 1024), 'SAMPLE_TOO_LARGE'],
  ])('%s', (_, value, code) => {
    expect(() => schemaIdOf(value)).toThrow(expect.objectContaining({ code }));
  });
});

test.each<[string, SampleFields['labels'], string]>([
  [
    'twice',
    [
      { name: 'a', value: '1' },
      { name: 'a', value: '2' },
    ],
    'label_duplicate',
  ],
  ['__name__ beside the name', [{ name: '__name__', value: 'down' }], 'label_duplicate'],
  ['no name', [{ name: '', value: '1' }], 'label_name_empty'],
])('labels are complained of: %s', (_, labels, reason) => {
  const sample = decoded(encodeSampleRecord({ name: 'up', timestamp: 1, value: 1, labels: labels ?? [] }, 1));
  expect(sample.complaint?.reason).toBe(reason);
});

test('the schema changes only together with its version', () => {
  const digest = createHash('sha256')
    .update(JSON.stringify(JSON.parse(SAMPLE_SCHEMA)))
    .digest('hex');
  // Version 1. A change of the schema is a new version: keep this one under testdata and test that its records are still read.
  expect(digest.slice(0, 16)).toBe('39e205d9811f7c61');
});
