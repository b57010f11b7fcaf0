import { nodeDisk, silentLogger, systemClock } from '@tidemark/base';
import { openEmbeddedLog } from '@tidemark/log';
import { EMBEDDED_SCHEMA_IDS, encodeSampleRecord } from '@tidemark/model';
import { runTidemark, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { vector } from './http.ts';

// Samples that lie on `tidemark.samples`, written by nobody of ours, are queryable; what cannot be read is among the dead letters.
// The embedded log serves one process, so they are written before it starts.

const ID = EMBEDDED_SCHEMA_IDS.sample;
const QUIET = { TIDEMARK_COLLECTOR_HOST: 'false' };

test('samples of others are queryable, and dead letters can be looked at', async () => {
  await using server = await startTidemark({ env: QUIET });
  await server.stop();
  const now = Date.now() - 1000;
  const log = await openEmbeddedLog({
    disk: nodeDisk(server.dataFolder),
    clock: systemClock,
    logger: silentLogger,
    options: { folder: 'log' },
  });
  const labels = [{ name: 'job', value: 'theirs' }];
  const histogram = { count: 3, sum: 2, buckets: [{ upperBound: 1, count: 2 }] };
  const values: [Uint8Array, Record<string, string>][] = [
    [encodeSampleRecord({ name: 'others_value', labels, timestamp: now, value: 42 }, ID), {}],
    [encodeSampleRecord({ name: 'others_seconds', labels, timestamp: now, histogram }, ID), {}],
    [encodeSampleRecord({ name: 'others_value', timestamp: now, value: 1 }, ID), { 'X-Scope-OrgID': 'team' }],
    [encodeSampleRecord({ name: 'others_value', timestamp: now + 3_600_000, value: 1 }, ID), {}],
    [Buffer.from('not a sample'), {}],
    [encodeSampleRecord({ name: 'others_value', timestamp: now, value: 1 }, 4444), {}],
  ];
  await log.append(
    values.map(([value, headers], i) => ({
      topic: 'tidemark.samples',
      partition: i % 4,
      key: Buffer.from(`key ${i}`),
      value,
      headers,
    })),
  );
  await log.close();

  await server.restart();
  // A strong read waits for the samples as well.
  const found = await vector(server.url, 'others_value');
  expect(found.map(({ metric, value }) => [metric, value[1]])).toEqual([
    [{ __name__: 'others_value', job: 'theirs' }, '42'],
  ]);
  expect((await vector(server.url, 'others_seconds_bucket{le="1.0"}'))[0]?.value[1]).toBe('2');
  const team = await fetch(`${server.url}/api/v1/query?query=others_value`, {
    headers: { 'x-scope-orgid': 'team', 'x-read-consistency': 'strong' },
  });
  expect(await team.json()).toMatchObject({ data: { result: [{ value: [expect.anything(), '1'] }] } });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('tidemark_repartition_dead_letters_total{reason="schema_unknown"} 1');
  expect(metrics).toMatch(
    /tidemark_ingest_refused_total\{tenant="default",protocol="kafka",reason="too_far_in_future"\} 1/,
  );

  const inspect = await runTidemark(['inspect', 'topic', 'tidemark.dead-letter', '--data', server.dataFolder]);
  expect(inspect.stdout).toMatch(/sample_magic from tidemark\.samples\/0 offset \d+ at .*begins with 6e6f742061207361/);
  expect(inspect.stdout).toMatch(/schema_unknown from tidemark\.samples\/1 offset \d+/);
  const samples = await runTidemark(['inspect', 'topic', 'tidemark.samples', '--data', server.dataFolder]);
  expect(samples.stdout).toContain('schema 7: others_value{job="theirs"} 42');
  expect(samples.stdout).toContain('schema 4444, ');
});

test('a process without the role leaves samples alone', async () => {
  const roles = 'ingest,rollup,store,query';
  await using server = await startTidemark({ env: QUIET, args: ['--roles', roles] });
  expect(await (await fetch(`${server.url}/metrics`)).text()).not.toContain('tidemark_repartition');
});
