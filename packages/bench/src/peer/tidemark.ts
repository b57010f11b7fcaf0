import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, freePort, startProcess } from '@tidemark/testkit/real';
import type { Pace } from '../load/pace.ts';
import type { Peer } from './peer.ts';
import { folderBytes } from './process-cost.ts';

/** What `npm start` runs: the same flags, the same compile cache. */
const START = fileURLToPath(new URL('../../../../scripts/tidemark.mjs', import.meta.url));
const SETTLE_TRIES = 20;

/** Tidemark with its defaults, its wall clock running at the load's pace. */
export async function startTidemarkPeer(folder: string, pace: Pace): Promise<Peer> {
  const server = await startTidemarkServer(folder, {
    TIDEMARK_COLLECTOR_SELF: 'false',
    TIDEMARK_TESTING_CLOCK_RATE: String(pace.rate),
    TIDEMARK_TESTING_CLOCK_ORIGIN: String(pace.originMs),
  });
  return {
    ...server,
    async settle() {
      let use = await server.settle();
      // Windows of raw samples are sealed a grace after their end; the load ends where a window does.
      for (let i = 0; i < SETTLE_TRIES && use.sealedBytes === 0; i++) {
        await pace.sleep(60_000);
        use = await server.settle();
      }
      return use;
    },
  };
}

/** As `npm start` runs it, without the host's own metrics. */
export async function startTidemarkServer(folder: string, env: Readonly<Record<string, string>>): Promise<Peer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dataFolder = join(folder, 'tidemark');
  const process_ = await startProcess({
    name: 'tidemark',
    command: process.execPath,
    args: [START, 'serve'],
    env: {
      ...process.env,
      TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port}`,
      TIDEMARK_DATA: dataFolder,
      TIDEMARK_COLLECTOR_HOST: 'false',
      ...env,
    },
    cwd: folder,
    ready: () => answers(`${url}/-/ready`),
  });
  return {
    name: 'tidemark',
    url,
    process: process_,
    queryParams: {},
    async settle() {
      const response = await fetch(`${url}/api/v1/admin/flush`, { method: 'POST' });
      if (!response.ok) throw new Error(`flush: ${await response.text()}`);
      return {
        wholeBytes: await folderBytes(dataFolder),
        sealedBytes: await folderBytes(join(dataFolder, 'objects')).catch(() => 0),
      };
    },
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  };
}
