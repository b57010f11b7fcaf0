import { readFile } from 'node:fs/promises';
import { freePort, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { until } from './http.ts';

// docs/metrics.md against the page of a running server: every metric, its type, its help and the labels its series have.

interface Told {
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Without those of a log on Kafka: stores.kafka.test.ts asks a process that has one. */
async function documented(): Promise<Map<string, Told>> {
  const text = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \| ([^|]*) \| (.*) \|$/gm)];
  return new Map(
    rows
      .filter(([, name]) => !name?.startsWith('tidemark_kafka_'))
      .map(([, name = '', type = '', labels = '', help = '']) => [
        name,
        {
          type,
          labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
          help: help.replaceAll('\\|', '|'),
        },
      ]),
  );
}

test('docs/metrics.md and /metrics say the same', { timeout: 60_000 }, async () => {
  // It asks itself as it would a store elsewhere: so it has the metrics of both.
  const port = await freePort();
  await using server = await startTidemark({
    port,
    env: { TIDEMARK_COLLECTOR_SELF: 'true', TIDEMARK_QUERY_STORES: `http://127.0.0.1:${port}` },
  });
  const page = await until('it has scraped and stored something', 30_000, async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return /^tidemark_storage_series\{/m.test(text) ? text : undefined;
  });
  const known = await documented();
  expect(known.size).toBeGreaterThan(50);
  const types = new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const helps = new Map([...page.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [name, help]));
  expect([...types.keys()].sort()).toEqual([...known.keys()].sort());
  for (const [name, { type, help }] of known)
    expect([name, types.get(name), helps.get(name)]).toEqual([name, type, help]);
  let series = 0;
  for (const [, name = '', labels = ''] of page.matchAll(/^([a-z0-9_]+)\{(.*)\} /gm)) {
    const family = known.get(name) ?? known.get(name.replace(/_(bucket|sum|count)$/, ''));
    const names = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = '']) => label);
    expect(
      names.filter((label) => label !== 'le'),
      name,
    ).toEqual(family?.labels);
    series++;
  }
  expect(series).toBeGreaterThan(20);
});
