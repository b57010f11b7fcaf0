import { crc32c, seededRandom } from '@tidemark/base';
import avsc from 'avsc';
import { expect, test } from 'vitest';
import { pack } from './packing.ts';
import {
  EMBEDDED_SCHEMA_IDS,
  ROW_BATCH_SCHEMA,
  readRowRecord,
  readSampleRecord,
  SAMPLE_BATCH_SCHEMA,
  writeRecord,
} from './record.ts';

// Records are written by hand: the library, which knows nothing but the schema, has to write the same bytes.

const SEED = Number(process.env['SEED'] ?? 20_261_122);

function asTheLibraryWrites(schema: string, schemaId: number, record: object): Uint8Array {
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema);
  const body = type.toBuffer({ version: 0, ...record, crc32c: Buffer.alloc(4) });
  const value = Buffer.concat([Buffer.from([0, 0, 0, 0, schemaId]), body]);
  value.writeUInt32BE(crc32c(value, 5, value.length - 4), value.length - 4);
  return new Uint8Array(value);
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

test(`records are the bytes that avsc writes (replay: SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const numbers = [0, 1, 63, 64, 8191, 8192, 2 ** 31 - 1];
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)] as T;
  for (let i = 0; i < 200; i++) {
    const columns = new Uint8Array(pick([0, 1, 62, 63, 8191, 16_383, 16_384, 40_000]));
    for (let k = 0; k < columns.length; k++) columns[k] = random.below(pick([2, 256]));
    const shared = {
      tenant: pick(['default', 'a', 'ä-tenant', 'x'.repeat(64)]),
      admittedAtMs: pick([0, 1500, -1, 1_795_000_000_000, 2 ** 52]),
      seriesCount: pick(numbers),
      series: pack(columns.subarray(0, random.below(columns.length + 1))),
    };
    const count = pick(numbers);
    const packed = { ...shared, series: Buffer.from(shared.series), columns: Buffer.from(pack(columns)) };

    const sample = writeRecord(EMBEDDED_SCHEMA_IDS.sampleBatch, { ...shared, count, columns });
    expect(same(sample, asTheLibraryWrites(SAMPLE_BATCH_SCHEMA, 1, { ...packed, sampleCount: count }))).toBe(true);
    const { series, columns: read, ...rest } = readSampleRecord(sample);
    expect(rest).toMatchObject({ tenant: shared.tenant, admittedAtMs: shared.admittedAtMs, sampleCount: count });
    expect([same(series, packed.series), same(read, packed.columns)]).toEqual([true, true]);

    const row = writeRecord(EMBEDDED_SCHEMA_IDS.rowBatch, { ...shared, resolution: '1h', count, columns });
    const library = asTheLibraryWrites(ROW_BATCH_SCHEMA, 2, { ...packed, resolution: '1h', rowCount: count });
    expect(same(row, library)).toBe(true);
    expect(readRowRecord(row)).toMatchObject({ seriesCount: shared.seriesCount, resolution: '1h', rowCount: count });
  }
});

test('what is larger than the scratch buffer is written whole, and what comes after it too', () => {
  const random = seededRandom(SEED);
  const columns = Uint8Array.from({ length: 3_000_000 }, () => random.below(256));
  const fields = { tenant: 'default', admittedAtMs: 1, seriesCount: 0, count: 0, series: pack(columns.subarray(0, 0)) };
  for (const each of [columns, columns.subarray(0, 10)]) {
    const read = readSampleRecord(writeRecord(1, { ...fields, columns: each })).columns;
    expect(same(read.subarray(1), each)).toBe(true);
  }
});
