import { readFileSync } from 'node:fs';
import { isTidemarkError, SelfMetrics, SimClock, seededRandom, snappyBlock, snappyLiteral } from '@tidemark/base';
import { SimLog } from '@tidemark/log/sim';
import {
  BatchBuilder,
  decodeHistogram,
  decodeLabels,
  decodeSampleBatch,
  type ExemplarColumns,
  encodeLabels,
  exemplarLabelBytes,
  formatLabels,
  type HistogramColumns,
  histogramBytes,
  labelsOf,
  partitionOf,
  type SampleBatch,
  sectionLabels,
  TIME_POLICY,
  tenantHash,
} from '@tidemark/model';
import { expect, test } from 'vitest';
import type { IngestOptions } from './options.ts';
import { IngestPipeline } from './pipeline.ts';
import { type RequestSeries, writeRequest } from './testing/write-request.ts';

const NOW = 1_800_000_000_000;
const TOPIC = 'tidemark.raw';

async function start(options: Partial<IngestOptions> = {}) {
  const clock = new SimClock(NOW);
  const log = new SimLog({ clock });
  const partitions = options.partitions ?? 4;
  await log.ensureTopics([{ name: TOPIC, partitions, compacted: false, retentionMs: 1e9 }]);
  const metrics = new SelfMetrics();
  const pipeline = new IngestPipeline({ clock, random: seededRandom(1), log, metrics }, { partitions, ...options });
  return {
    clock,
    log,
    pipeline,
    write: (series: readonly RequestSeries[], tenant = 'default') =>
      pipeline.appendRemoteWrite(tenant, snappyBlock(writeRequest(series))),
    metric: (line: string) =>
      Number(
        metrics
          .expose()
          .split('\n')
          .find((text) => text.startsWith(`${line} `))
          ?.slice(line.length + 1) ?? Number.NaN,
      ),
    async batches(): Promise<{ partition: number; batch: SampleBatch }[]> {
      const from = Array.from({ length: partitions }, (_, partition) => ({
        topic: TOPIC,
        partition,
        offset: 'earliest' as const,
      }));
      const reader = await log.openReader({ group: 'test', from });
      const found: { partition: number; batch: SampleBatch }[] = [];
      for (;;) {
        const fetched = await reader.fetch({ maxBytes: 1e9, maxWaitMs: 0 });
        if (fetched.length === 0) break;
        for (const { partition, records } of fetched) {
          for (const { value } of records) {
            // Copied, so that the bytes are decoded and not remembered.
            found.push({ partition, batch: decodeSampleBatch((value as Uint8Array).slice()) });
          }
        }
      }
      await reader.close();
      return found;
    },
    async samples(): Promise<string[]> {
      return (await this.batches()).flatMap(({ batch }) => textOf(batch)).toSorted();
    },
  };
}

function textOf(batch: SampleBatch): string[] {
  return [...batch.values].map((value, i) => {
    const labels = formatLabels(sectionLabels(batch.series, batch.sampleSeries[i] as number));
    return `${batch.tenant} ${labels} @${(batch.timestampsMs[i] as number) - NOW} ${value}`;
  });
}

function histogramsOf(batches: readonly { readonly batch: SampleBatch }[]) {
  return batches.flatMap(({ batch: { series, histograms } }) =>
    Array.from(histograms?.series ?? [], (ref, i) => ({
      name: formatLabels(sectionLabels(series, ref)),
      timestampMs: histograms?.timestampsMs[i] as number,
      bytes: histogramBytes(histograms as HistogramColumns, i),
    })),
  );
}

function one(name: string, value = 1, timestampMs = NOW, labels: Record<string, string> = {}): RequestSeries {
  return { labels: Object.entries({ __name__: name, ...labels }).toSorted(), samples: [{ value, timestampMs }] };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return 'none';
}

test('samples go to the partition of their metric, one record a partition, stamped with the admission clock', async () => {
  const run = await start();
  const names = Array.from({ length: 20 }, (_, i) => `metric_${i}`);
  expect(
    await run.write(names.flatMap((name) => [one(name, 1, NOW, { host: 'a' }), one(name, 2, NOW, { host: 'b' })])),
  ).toEqual({ accepted: 40, refused: [] });
  const batches = await run.batches();
  expect(batches.map(({ partition }) => partition).toSorted()).toEqual([0, 1, 2, 3]);
  for (const { partition, batch } of batches) {
    expect(batch.admittedAtMs).toBe(NOW);
    for (let i = 0; i < batch.series.count; i++) {
      const name = Buffer.from(sectionLabels(batch.series, i)[0]?.value ?? '');
      expect(partitionOf(tenantHash('default'), name, 0, name.length, 4)).toBe(partition);
    }
  }
  expect(await run.samples()).toHaveLength(40);
  expect(run.metric('tidemark_ingest_samples_total{tenant="default",protocol="remote_write"}')).toBe(40);
  expect(run.metric('tidemark_ingest_active_series{tenant="default"}')).toBe(40);
  expect(run.metric('tidemark_ingest_request_seconds_count')).toBe(1);
});

test('a batch handed in goes the same way, and keeps types and units', async () => {
  const run = await start();
  const builder = new BatchBuilder('acme');
  builder.addLabels(labelsOf({ __name__: 'a_total', x: '1' }), NOW, 1, 'counter');
  builder.addLabels(labelsOf({ __name__: 'b_bytes' }), NOW, 2, 'gauge');
  builder.addLabels(labelsOf({ __name__: 'a_total', x: '1' }), NOW + 1, 3, 'counter');
  const batch = { ...builder.build(0), metadata: [{ metric: 'c', type: 'gauge' as const, unit: '', help: 'Help.' }] };
  expect(await run.pipeline.sinkFor('scrape').append(batch)).toEqual({ accepted: 3, refused: [] });
  expect(await run.samples()).toEqual(['acme a_total{x="1"} @0 1', 'acme a_total{x="1"} @1 3', 'acme b_bytes @0 2']);
  const types = (await run.batches()).flatMap((found) => [...found.batch.series.types]);
  expect(types.toSorted()).toEqual([1, 2]);
  expect((await run.batches()).flatMap((found) => found.batch.metadata ?? [])).toEqual(batch.metadata);
  expect(run.metric('tidemark_ingest_samples_total{tenant="acme",protocol="scrape"}')).toBe(3);
});

test('one bad sample never costs its batch, and is named with field, limit and value', async () => {
  const run = await start();
  const { accepted, refused } = await run.write([
    one('good', 1),
    one('old', 1, NOW - TIME_POLICY.rawRetentionMs - 1),
    one('just_young', 1, NOW - TIME_POLICY.rawRetentionMs),
    one('early', 1, NOW + TIME_POLICY.futureMs + 1),
    one('early', 1, NOW + TIME_POLICY.futureMs + 5),
    one('just_late', 1, NOW + TIME_POLICY.futureMs),
    { labels: [['job', 'x']], samples: [{ value: 1, timestampMs: NOW }] },
    one('good', 2, NOW + 1),
  ]);
  expect(accepted).toBe(4);
  expect(refused).toEqual([
    {
      reason: 'metric_name_missing',
      count: 1,
      example: 'series {job="x"} has no metric name: the label "__name__" is missing or empty',
    },
    {
      reason: 'too_old',
      count: 1,
      example: `old has the timestamp ${NOW - 604800001}, 1w before now (${NOW}); raw samples are kept for 1w`,
    },
    {
      reason: 'too_far_in_future',
      count: 2,
      example: `early has the timestamp ${NOW + 600001}, 10m after now (${NOW}); the limit is 10m`,
    },
  ]);
  expect((await run.samples()).map((text) => text.split(' ')[1])).toEqual(['good', 'good', 'just_late', 'just_young']);
  expect(
    run.metric('tidemark_ingest_refused_total{tenant="default",protocol="remote_write",reason="too_far_in_future"}'),
  ).toBe(2);
});

test('a request with nothing good in it, or nothing at all, writes nothing', async () => {
  const run = await start();
  expect((await run.write([one('old', 1, 5)])).accepted).toBe(0);
  expect(await run.write([])).toEqual({ accepted: 0, refused: [] });
  expect(await run.batches()).toEqual([]);
});

test('bits of values are kept on the whole way', async () => {
  const run = await start();
  const bits = [0x7ff0000000000002n, 0xfff8000000001234n, 1n << 63n, 0x7ff0000000000000n];
  const samples = bits.map((value, i) => ({ value: 0, bits: value, timestampMs: NOW + i }));
  // The first is refused, so that the others are moved.
  await run.write([{ labels: [['__name__', 'm']], samples: [{ value: 1, timestampMs: 1 }, ...samples] }]);
  const [found] = await run.batches();
  expect([...new BigUint64Array((found as { batch: SampleBatch }).batch.values.slice().buffer)]).toEqual(bits);
});

test('metadata without samples goes to the partition of its metric', async () => {
  const run = await start();
  const metadata = Array.from({ length: 30 }, (_, i) => ({ type: 2, metric: `m${i}`, help: 'h', unit: '' }));
  await run.pipeline.appendRemoteWrite('default', snappyBlock(writeRequest([], metadata)));
  const batches = await run.batches();
  expect(batches.flatMap(({ batch }) => batch.metadata ?? [])).toHaveLength(30);
  for (const { partition, batch } of batches) {
    for (const { metric } of batch.metadata ?? []) {
      const name = Buffer.from(metric);
      expect(partitionOf(tenantHash('default'), name, 0, name.length, 4)).toBe(partition);
    }
  }
});

test('requests that repeat their series share the section object', async () => {
  const run = await start({ partitions: 1 });
  const sections: unknown[] = [];
  const append = run.log.append.bind(run.log);
  run.log.append = (records) => {
    for (const { value } of records) sections.push(decodeSampleBatch(value as Uint8Array).series);
    return append(records);
  };
  for (let i = 0; i < 4; i++) await run.write([one('a', i, NOW + i), one('b', i, NOW + i)]);
  expect(sections[2]).toBe(sections[1]);
  expect(sections[3]).toBe(sections[1]);
  const batch = new BatchBuilder('default');
  batch.addLabels(labelsOf({ __name__: 'a' }), NOW, 1);
  const built = batch.build(0);
  await run.pipeline.append(built);
  expect(sections[4]).toBe(built.series);
});

test('tenants do not share series, limits or partitions', async () => {
  const run = await start({ activeSeriesMax: 1 });
  expect((await run.write([one('a')], 'one')).accepted).toBe(1);
  expect((await run.write([one('b')], 'two')).accepted).toBe(1);
  const { accepted, refused } = await run.write([one('a'), one('b', 1, NOW, { host: 'x' })], 'one');
  expect(accepted).toBe(1);
  expect(refused).toEqual([
    {
      reason: 'active_series_limit',
      count: 1,
      example: 'series b{host="x"} is new and 1 series are active, the limit activeSeriesMax is 1',
    },
  ]);
  expect(run.metric('tidemark_ingest_active_series{tenant="two"}')).toBe(1);
});

test('a tenant that sends too fast is told when to come back; nothing of it is stored', async () => {
  const run = await start({ samplesPerSecondMax: 1, burstSamplesMax: 2 });
  await run.write([one('a'), one('b'), one('c')]);
  expect(await codeOf(run.write([one('a')]))).toBe('INGEST_RATE_LIMITED');
  expect((await run.write([one('a')], 'other')).accepted).toBe(1);
  await run.clock.advance(2_000);
  expect((await run.write([one('a')])).accepted).toBe(1);
  expect(
    run.metric('tidemark_ingest_refused_total{tenant="default",protocol="remote_write",reason="rate_limited"}'),
  ).toBe(1);
});

test('what waits for the log is bounded: beyond it nothing is accepted', async () => {
  const run = await start({ pendingBytesMax: 300 });
  run.log.faults.appendDelayMs = 1_000;
  const codes = Array.from({ length: 10 }, (_, i) => codeOf(run.write([one(`m${i}`)])));
  expect(run.metric('tidemark_ingest_pending_bytes')).toBeGreaterThan(0);
  expect(run.metric('tidemark_ingest_pending_bytes')).toBeLessThanOrEqual(300);
  for (let i = 0; i < 12; i++) await run.clock.advance(1_000);
  const outcomes = await Promise.all(codes);
  const accepted = outcomes.filter((code) => code === 'none').length;
  expect(accepted).toBeGreaterThan(0);
  expect(outcomes.filter((code) => code === 'INGEST_OVERLOADED').length).toBe(10 - accepted);
  expect(accepted).toBeLessThan(10);
  expect(await run.samples()).toHaveLength(accepted);
  expect(run.metric('tidemark_ingest_pending_bytes')).toBe(0);
  expect(
    run.metric('tidemark_ingest_refused_total{tenant="default",protocol="remote_write",reason="overloaded"}'),
  ).toBe(10 - accepted);
});

test('a log that rejects: nothing is acknowledged or counted, and the same request can be sent again', async () => {
  const run = await start();
  run.log.faults.failNextAppend({ when: 'before' });
  expect(await codeOf(run.write([one('a')]))).toBe('INGEST_UNAVAILABLE');
  run.log.faults.failNextAppend({ when: 'before', code: 'LOG_OVERLOADED' });
  expect(await codeOf(run.write([one('a')]))).toBe('INGEST_OVERLOADED');
  expect(await run.samples()).toEqual([]);
  expect(run.metric('tidemark_ingest_samples_total{tenant="default",protocol="remote_write"}')).toBeNaN();
  expect((await run.write([one('a')])).accepted).toBe(1);
  expect(await run.samples()).toEqual(['default a @0 1']);
  expect(run.metric('tidemark_ingest_pending_bytes')).toBe(0);
});

test('an abort is heard before and while waiting for the log', async () => {
  const run = await start();
  const gone = new Error('gone');
  await expect(
    run.pipeline.appendRemoteWrite('default', snappyBlock(writeRequest([])), AbortSignal.abort(gone)),
  ).rejects.toBe(gone);
  run.log.faults.appendDelayMs = 1_000;
  const controller = new AbortController();
  const waiting = run.pipeline.appendRemoteWrite('default', snappyBlock(writeRequest([one('a')])), controller.signal);
  controller.abort(gone);
  await expect(waiting).rejects.toBe(gone);
  await run.clock.advance(1_000);
  expect(run.metric('tidemark_ingest_pending_bytes')).toBe(0);
});

test('the admission clock never goes back', async () => {
  const run = await start({ partitions: 1 });
  const now = run.clock.nowMs.bind(run.clock);
  let shiftMs = 0;
  run.clock.nowMs = () => now() + shiftMs;
  const stamps: number[] = [];
  for (shiftMs of [0, 500, -10_000, 501]) await run.write([one('a', shiftMs)]);
  for (const { batch } of await run.batches()) stamps.push(batch.admittedAtMs - NOW);
  expect(stamps).toEqual([0, 500, 500, 501]);
});

test('label memory is bounded, and a directory that is forgotten learns anew', async () => {
  const run = await start({ directoryBytesMax: 400_000, sectionBytesMax: 1_000 });
  for (let round = 0; round < 40; round++) {
    const series = Array.from({ length: 100 }, (_, i) =>
      one('m', i, NOW, { host: `${round}-${i}`, pad: 'x'.repeat(100) }),
    );
    expect((await run.write(series, `tenant-${round % 3}`)).accepted).toBe(100);
  }
  expect(run.metric('tidemark_ingest_directory_clears')).toBeGreaterThan(0);
  // One request and one page above the limit at most.
  expect(run.metric('tidemark_ingest_directory_bytes')).toBeLessThan(1_300_000);
  expect(await run.samples()).toHaveLength(4_000);
  expect(run.metric('tidemark_ingest_active_series{tenant="tenant-0"}')).toBe(1_400);
});

test('a tenant more than tenantsMax is refused and counted; the others go on', async () => {
  const run = await start({ tenantsMax: 2 });
  for (const tenant of ['a', 'b', 'a']) expect((await run.write([one('m')], tenant)).accepted).toBe(1);
  await expect(run.write([one('m')], 'c')).rejects.toMatchObject({
    code: 'INGEST_TENANT_LIMIT',
    message: expect.stringContaining('at most tenantsMax 2 tenants'),
  });
  expect((await run.write([one('m')], 'b')).accepted).toBe(1);
  expect(run.metric('tidemark_ingest_active_series{tenant="c"}')).toBeNaN();
  expect(
    run.metric('tidemark_ingest_refused_total{tenant="other",protocol="remote_write",reason="tenant_limit"}'),
  ).toBe(1);
});

test('what is older than the store keeps is refused, by the configured age', async () => {
  const run = await start({ rawRetentionMs: 3_600_000 });
  const outcome = await run.write([one('kept', 1, NOW - 3_600_000), one('gone', 1, NOW - 3_600_001)]);
  expect(outcome).toMatchObject({
    accepted: 1,
    refused: [{ reason: 'too_old', count: 1, example: expect.stringContaining('kept for 1h') }],
  });
});

test('malformed requests are refused whole, and the next one is none the worse', async () => {
  const run = await start();
  const good = writeRequest([one('a', 1), one('b', 2)]);
  expect(await codeOf(run.pipeline.appendRemoteWrite('default', good))).toBe('SNAPPY_MALFORMED');
  for (let cut = 1; cut < good.length; cut++) {
    const code = await codeOf(run.pipeline.appendRemoteWrite('default', snappyLiteral(good.subarray(0, cut))));
    expect(['none', 'PROTOBUF_MALFORMED']).toContain(code);
  }
  expect((await run.write([one('c', 3)])).accepted).toBe(1);
  expect(new Set(await run.samples())).toEqual(new Set(['default a @0 1', 'default c @0 3']));
});

test('native histograms go to the log with their series, of a request and of a batch; bad ones cost only themselves', async () => {
  const run = await start();
  const histogram = {
    timestampMs: NOW,
    schema: 0,
    count: 3,
    sum: 2,
    positive: { spans: [[0, 1]] as const, counts: [3] },
  };
  const old = { ...histogram, timestampMs: 5 };
  const sent = [
    { ...one('a'), histograms: [histogram, { ...histogram, count: 4 }, old] },
    { ...one('b'), samples: [], histograms: [{ ...histogram, timestampMs: NOW + 1 }] },
  ];
  expect(await run.write(sent)).toMatchObject({
    accepted: 3,
    refused: [
      { reason: 'histogram_counts', count: 1 },
      { reason: 'too_old', count: 1 },
    ],
  });
  const [first] = histogramsOf(await run.batches());
  const builder = new BatchBuilder('default');
  const labels = encodeLabels(labelsOf({ __name__: 'c' }));
  const ref = builder.seriesOf(labels, 0, labels.length);
  builder.addHistogram(ref, NOW + 2, first?.bytes as Uint8Array);
  builder.addHistogram(ref, NOW + 3, Uint8Array.of(1, 2));
  const outcome = await run.pipeline.append(builder.build(0));
  expect(outcome).toMatchObject({ accepted: 1, refused: [{ reason: 'histogram_malformed', count: 1 }] });
  const all = histogramsOf(await run.batches());
  expect(all.map(({ name, timestampMs }) => `${name} ${timestampMs - NOW}`).sort()).toEqual(['a 0', 'b 1', 'c 2']);
  for (const { bytes } of all) expect(decodeHistogram(bytes)).toMatchObject({ count: 3, sum: 2 });
});

test('exemplars go to the log with their series, of a request and of a batch; the bad are counted, and nobody else hears', async () => {
  const run = await start();
  const exemplar = (trace: string, timestampMs = NOW) => ({ labels: [['t', trace]] as const, value: 2, timestampMs });
  const sent = [
    { ...one('a'), exemplars: [exemplar('p'), exemplar('x'.repeat(200)), exemplar('f', NOW + 3_600_000)] },
    { ...one('a'), samples: [], exemplars: [exemplar('q', NOW + 1)] },
    { ...one('never'), samples: [], exemplars: [exemplar('u')] },
    { ...one('b', 1, 5), exemplars: [exemplar('o', 5)] },
  ];
  expect(await run.write(sent)).toMatchObject({ accepted: 1, refused: [{ reason: 'too_old', count: 1 }] });
  // Alone, of a series that had a sample of late; in a section of its own.
  await run.write([{ ...one('a'), samples: [], exemplars: [exemplar('r', NOW + 2)] }]);
  const builder = new BatchBuilder('default');
  const labels = encodeLabels(labelsOf({ __name__: 'a' }));
  builder.add(builder.seriesOf(labels, 0, labels.length), NOW + 1, 1);
  builder.addExemplar(0, NOW + 3, 2, encodeLabels(labelsOf({ t: 's' })), true);
  builder.addExemplar(0, NOW + 3, 2, Uint8Array.of(7));
  expect(await run.pipeline.append(builder.build(NOW))).toEqual({ accepted: 1, refused: [] });
  const found = (await run.batches()).map(({ batch: { exemplars, series } }) =>
    [...(exemplars?.series ?? [])].map((at, i) => {
      const own = decodeLabels(exemplarLabelBytes(exemplars as ExemplarColumns, i));
      return `${formatLabels(sectionLabels(series, at))} ${formatLabels(own)} ${exemplars?.hasNoTime?.[i] ?? 0}`;
    }),
  );
  expect(found).toEqual([['a {t="p"} 0', 'a {t="q"} 0'], ['a {t="r"} 0'], ['a {t="s"} 1']]);
  const counted = (protocol: string) => `{tenant="default",protocol="${protocol}"`;
  expect(run.metric(`tidemark_ingest_exemplars_total${counted('remote_write')}}`)).toBe(3);
  expect(run.metric(`tidemark_ingest_exemplars_total${counted('internal')}}`)).toBe(1);
  for (const [reason, protocol] of [
    ['labels_too_long', 'remote_write'],
    ['too_far_in_future', 'remote_write'],
    ['series_unknown', 'remote_write'],
    ['too_old', 'remote_write'],
    ['labels_invalid', 'internal'],
  ] as const) {
    expect(run.metric(`tidemark_ingest_exemplars_refused_total${counted(protocol)},reason="${reason}"}`), reason).toBe(
      1,
    );
  }
});

test('limits hold for batches as for requests', async () => {
  const run = await start({ labelsMax: 2, labelValueBytesMax: 10 });
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'a' }), NOW, 1);
  builder.addLabels(labelsOf({ __name__: 'b', x: '1', y: '2' }), NOW, 1);
  builder.addLabels(labelsOf({ __name__: 'c', x: 'v'.repeat(11) }), NOW, 1);
  builder.addLabels(labelsOf({ x: '1' }), NOW, 1);
  const { accepted, refused } = await run.pipeline.append(builder.build(0));
  expect(accepted).toBe(1);
  expect(refused.map(({ reason }) => reason)).toEqual([
    'labels_too_many',
    'label_value_too_long',
    'metric_name_missing',
  ]);
});

test('a tenant that sends little costs little', async () => {
  const run = await start();
  for (let i = 0; i < 200; i++) await run.write([one('m')], `tenant-${i}`);
  await run.write([one('m')], 'tenant-0');
  expect(run.metric('tidemark_ingest_directory_bytes') / 200).toBeLessThan(16_000);
});

test('a captured body cut at any byte, or with any bit flipped, is taken or refused, never more', async () => {
  const run = await start();
  const body = readFileSync(new URL('../testdata/remote-write/v1-prometheus-2.42-demo.bin', import.meta.url));
  const codes = new Map<string, number>();
  const send = async (bent: Uint8Array) => {
    const code = await codeOf(run.pipeline.appendRemoteWrite('default', bent));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  };
  for (let cut = 0; cut < body.length; cut++) await send(body.subarray(0, cut));
  expect(codes).toEqual(new Map([['SNAPPY_MALFORMED', body.length]]));
  for (let bit = 0; bit < body.length * 8; bit++) {
    const bent = new Uint8Array(body);
    bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
    await send(bent);
  }
  expect([...codes.keys()].toSorted()).toEqual(['PROTOBUF_MALFORMED', 'SNAPPY_MALFORMED', 'SNAPPY_TOO_LARGE', 'none']);
});

test('limits may change: from the next request on', async () => {
  const run = await start({ samplesPerSecondMax: 1, burstSamplesMax: 1 });
  await run.write([one('a')]);
  expect(await codeOf(run.write([one('b')]))).toBe('INGEST_RATE_LIMITED');
  const limits = { bodyBytesMax: 1e6, pendingBytesMax: 1e6, burstSamplesMax: 1000, samplesPerSecondMax: 1000 };
  run.pipeline.setLimits({ ...limits, activeSeriesMax: 2 });
  await run.clock.advance(10);
  expect((await run.write([one('b')])).accepted).toBe(1);
  const { accepted, refused } = await run.write([one('c')]);
  expect([accepted, refused.map(({ reason }) => reason)]).toEqual([0, ['active_series_limit']]);
  expect(run.pipeline.options.bodyBytesMax).toBe(1e6);
});
