import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, findProgram, freePort, startProcess } from '@tidemark/testkit/real';
import type { DiskUse, Peer } from './peer.ts';
import { folderBytes } from './process-cost.ts';

/** Prometheus, named by PROMETHEUS_BIN or Debian's. */
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
    queryParams: {},
    settle: () => snapshot(url, dataFolder),
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  };
}

/** A block is cut every two hours and cannot be asked for; a snapshot makes one of the head, outside what the folder holds. */
async function snapshot(url: string, dataFolder: string): Promise<DiskUse> {
  const wholeBytes = await folderBytes(dataFolder);
  const response = await fetch(`${url}/api/v1/admin/tsdb/snapshot`, { method: 'POST' });
  if (!response.ok) throw new Error(`snapshot: ${await response.text()}`);
  return { wholeBytes, sealedBytes: await folderBytes(join(dataFolder, 'snapshots')) };
}

async function versionOf(url: string): Promise<string> {
  const body = (await (await fetch(`${url}/api/v1/status/buildinfo`)).json()) as { data: { version: string } };
  return `prometheus ${body.data.version}`;
}
