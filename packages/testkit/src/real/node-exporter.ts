import { findProgram } from './find-program.ts';
import { freePort, listensOn } from './port.ts';
import { answers, type RealProcess, startProcess } from './process.ts';

// A real node_exporter on a free loopback port: what this host's metrics are called, and what they are right now.

const SOURCE = {
  variable: 'NODE_EXPORTER_BIN',
  names: ['node_exporter', 'prometheus-node-exporter'],
  debianPackage: 'prometheus-node-exporter',
};

export interface NodeExporterOptions {
  /** Only these collectors (`cpu`, `meminfo`, ...). Default: the exporter's own choice. */
  readonly collectors?: readonly string[];
  readonly args?: readonly string[];
}

export interface NodeExporter extends AsyncDisposable {
  readonly url: string;
  readonly process: RealProcess;
  /** The text of one scrape, taken now. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

export async function startNodeExporter(options: NodeExporterOptions = {}): Promise<NodeExporter> {
  const command = findProgram(SOURCE);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const chosen = options.collectors?.map((name) => `--collector.${name}`);
  const process = await startProcess({
    name: 'node_exporter',
    command,
    args: [
      `--web.listen-address=127.0.0.1:${port}`,
      ...(chosen === undefined ? [] : ['--collector.disable-defaults', ...chosen]),
      ...(options.args ?? []),
    ],
    ready: async ({ pid }) => (await answers(`${url}/`)) && listensOn(pid, port),
  });
  const stop = async () => {
    await process.stop();
  };
  return {
    url,
    process,
    async metrics() {
      const response = await fetch(`${url}/metrics`);
      if (!response.ok) throw new Error(`node_exporter answered ${response.status}: ${await response.text()}`);
      return response.text();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
