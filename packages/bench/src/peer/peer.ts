import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, findProgram, freePort, type RealProcess, startProcess } from '@tidemark/testkit/real';

// The systems that are measured side by side: started alike, asked alike.

export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly process: RealProcess;
  readonly dataFolder: string;
  /** Puts on disk what the system puts there on its own in time, as far as it can be asked to. */
  settle(): Promise<void>;
}

/** What `npm start` runs: the same flags, the same compile cache. */
const START = fileURLToPath(new URL('../../../../scripts/tidemark.mjs', import.meta.url));

export async function startTidemarkPeer(folder: string): Promise<Peer> {
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
    },
    cwd: folder,
    ready: () => answers(`${url}/-/ready`),
  });
  return {
    name: 'tidemark',
    url,
    process: process_,
    dataFolder,
    async settle() {
      const response = await fetch(`${url}/api/v1/admin/flush`, { method: 'POST' });
      if (!response.ok) throw new Error(`flush: ${await response.text()}`);
    },
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  };
}

export async function startPrometheusPeer(folder: string): Promise<Peer> {
  const command = findProgram({ variable: 'PROMETHEUS_BIN', names: ['prometheus'], debianPackage: 'prometheus' });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dataFolder = join(folder, 'prometheus');
  await mkdir(dataFolder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  // Samples come a little late and in any order of hosts: give it the window it needs to take them all.
  await writeFile(config, 'global: { scrape_interval: 10s }\nstorage: { tsdb: { out_of_order_time_window: 2h } }\n');
  const process_ = await startProcess({
    name: 'prometheus',
    command,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${dataFolder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--web.enable-admin-api',
    ],
    cwd: folder,
    ready: () => answers(`${url}/-/ready`),
  });
  return {
    name: await versionOf(url),
    url,
    process: process_,
    dataFolder,
    // Its head is written ahead as it comes; a block is cut every two hours and cannot be asked for.
    settle: async () => undefined,
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  };
}

async function versionOf(url: string): Promise<string> {
  const body = (await (await fetch(`${url}/api/v1/status/buildinfo`)).json()) as { data: { version: string } };
  return `prometheus ${body.data.version}`;
}
