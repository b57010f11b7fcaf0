import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MetricDescription, SelfMetrics, silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { kafkaMetrics } from '@tidemark/log';
import { parseConfig } from '../config/load.ts';
import { configJsonSchema } from '../config/schema.ts';
import { startTidemark } from '../wiring.ts';
import { configurationPage, type Schema } from './configuration-page.ts';
import { metricsPage } from './metrics-page.ts';

// The pages of docs/ that are made from the code, by path. `npm run docs` writes them, a test compares.

export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/operating/configuration.md', configurationPage(configJsonSchema() as Schema)],
    ['docs/metrics.md', metricsPage(await metricsOfAll())],
  ]);
}

/** Every metric of any process. */
async function metricsOfAll(): Promise<readonly MetricDescription[]> {
  const all = [...(await metricsOfOne()), ...kafkaMetrics(new SelfMetrics()).self.describe()];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those of a process with all roles that asks stores elsewhere as well: of one that is started for it in a folder of its own. */
async function metricsOfOne(): Promise<readonly MetricDescription[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-pages-'));
  try {
    // One of nobody: it has the metrics of a process that asks stores elsewhere, too.
    const query = { stores: ['http://127.0.0.1:9'] };
    const text = JSON.stringify({ data: join(folder, 'data'), http: { listen: '127.0.0.1:0' }, query });
    const loaded = { ...parseConfig(text, 'pages', { env: {} }), file: undefined };
    const tidemark = await startTidemark({
      loaded,
      load: async () => loaded,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      onFailure: () => undefined,
      setLogLevel: () => undefined,
      onQuit: () => undefined,
      signal: new AbortController().signal,
    });
    try {
      return tidemark.describeMetrics();
    } finally {
      await tidemark.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
