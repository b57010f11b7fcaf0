import { join } from 'node:path';
import { answers, freePort, startProcess } from '@tidemark/testkit/real';
import type { Peer } from './peer.ts';
import { folderBytes } from './process-cost.ts';

/** VictoriaMetrics of one node, where VICTORIAMETRICS_BIN names one. */
export async function startVictoriaMetricsPeer(folder: string, command: string): Promise<Peer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dataFolder = join(folder, 'victoria-metrics');
  const process_ = await startProcess({
    name: 'victoria-metrics',
    command,
    args: [
      `-storageDataPath=${dataFolder}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=1y',
      // Ours and Prometheus' refuse nothing for size either.
      '-search.maxUniqueTimeseries=1000000',
      '-search.maxSeries=1000000',
    ],
    cwd: folder,
    ready: () => answers(`${url}/health`),
  });
  return {
    name: 'victoria-metrics',
    url,
    process: process_,
    queryParams: { nocache: '1' },
    async settle() {
      await fetch(`${url}/internal/force_flush`);
      await fetch(`${url}/internal/force_merge`);
      const bytes = await folderBytes(dataFolder);
      return { wholeBytes: bytes, sealedBytes: bytes };
    },
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  };
}
