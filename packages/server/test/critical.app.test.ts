import { runTidemark, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, until, type VectorSample, vector } from './http.ts';

// A store that comes back to a long backlog: critical samples, the last that were sent, are there while it has hardly begun.

const BODIES = 24;
const SERIES_PER_BODY = 12_000;
const CRITICAL = 20;
const PARTITIONS = 2;

interface StorageStatus {
  readonly partitions: readonly { readonly topic: string; readonly end: number; readonly lag: number }[];
}

async function pushed(url: string, text: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body: text });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
}

const lines = (count: number, lineOf: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => lineOf(i)).join('\n');

test('critical samples are there while the rest of a backlog is not', { timeout: 120_000 }, async () => {
  await using folder = await tempFolder('critical');
  const common = {
    dataFolder: `${folder.path}/data`,
    env: {
      TIDEMARK_COLLECTOR_HOST: 'false',
      TIDEMARK_LOG_PARTITIONS: String(PARTITIONS),
      TIDEMARK_INGEST_CRITICAL: 'critical_.*, up',
    },
  };
  {
    // Nobody stores yet.
    await using ingest = await startTidemark({ ...common, args: ['--roles', 'ingest'] });
    for (let body = 0; body < BODIES; body++) {
      const line = (i: number) =>
        `usual_${i % 10}{body="${body}",host="host-${i}",some="label that makes it longer"} ${i}`;
      await pushed(ingest.url, `${lines(SERIES_PER_BODY, line)}\n`);
    }
    await pushed(ingest.url, `${lines(CRITICAL, (i) => `critical_${i} ${i}`)}\nup 1\nupper 1\n`);
    const page = await (await fetch(`${ingest.url}/metrics`)).text();
    expect(page).toContain(`tidemark_ingest_critical_samples_total{tenant="default"} ${CRITICAL + 1}\n`);
    await ingest.stop();
  }
  await using store = await startTidemark({ ...common, args: ['--roles', 'ingest,store,query'], readyMs: 30_000 });
  const lagOf = async (topic: string) => {
    const { partitions } = await ask<StorageStatus>(store.url, 'status/storage', {});
    return partitions.filter((one) => one.topic === topic).reduce((sum, { lag }) => sum + lag, 0);
  };
  const startedMs = performance.now();
  const present = async () => {
    const { result } = await ask<{ result: readonly VectorSample[] }>(store.url, 'query', {
      query: `label_replace(sum({__name__=~"critical_.*"}), "of", "critical", "", "")
        or label_replace(count({__name__=~"usual_.*"}), "of", "usual", "", "")`,
    });
    return Object.fromEntries(result.map(({ metric, value }) => [metric['of'], value[1]]));
  };
  const first = await until('critical samples are there', 30_000, async () => {
    const { critical, usual = '0' } = await present();
    return critical === String((CRITICAL * (CRITICAL - 1)) / 2) ? usual : undefined;
  });
  const criticalMs = performance.now() - startedMs;
  expect(await lagOf('tidemark.raw-critical')).toBe(0);
  const all = await vector(store.url, 'count({__name__!=""})');
  process.stdout.write(
    `critical after ${Math.round(criticalMs)} ms with ${first} others there, all after ${Math.round(performance.now() - startedMs)} ms\n`,
  );
  expect(Number(first)).toBeLessThan(BODIES * SERIES_PER_BODY);
  expect(all[0]?.value[1]).toBe(String(BODIES * SERIES_PER_BODY + CRITICAL + 2));

  // A delete is one in both topics, and what comes after it lives.
  const wanted = new URLSearchParams({ 'match[]': '{__name__=~"critical_.*|up.*"}' });
  const answer = await fetch(`${store.url}/api/v1/admin/tsdb/delete_series?${wanted}`, { method: 'POST' });
  expect(answer.status).toBe(204);
  const ofAll = async () => (await vector(store.url, 'count({__name__!=""})'))[0]?.value[1];
  expect(await ofAll()).toBe(String(BODIES * SERIES_PER_BODY));
  await pushed(store.url, 'critical_1 5\nupper 6\n');
  expect(await ofAll()).toBe(String(BODIES * SERIES_PER_BODY + 2));
  expect((await vector(store.url, 'critical_1 + on () upper'))[0]?.value[1]).toBe('11');
  expect((await fetch(`${store.url}/api/v1/admin/flush`, { method: 'POST' })).status).toBe(200);
  expect(await lagOf('tidemark.raw')).toBe(0);
  await store.stop();
  const verified = await runTidemark(['verify'], { env: { TIDEMARK_DATA: common.dataFolder } });
  expect(verified, verified.stdout).toMatchObject({ code: 0 });
  expect(verified.stdout).toContain('tidemark.raw-critical');
});
