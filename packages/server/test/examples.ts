import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedServer, tempFolder } from '@tidemark/testkit/real';

// Runs the programs of examples/ as their README says, each to its end: with clients and serializers that are not ours.

const EXAMPLES = join(import.meta.dirname, '../../../examples');
// A client that found no broker would try for long, and go on behind the test that started it.
const WITHIN = { timeout: 120_000, killSignal: 'SIGKILL' } as const;
const run = promisify(execFile);

export interface Place {
  /** host:port, with commas. */
  readonly bootstrap: string;
  readonly registryUrl: string;
  readonly topic: string;
}

/** What each example writes: `example_orders_total{language="..."}` counted up from 1, one sample a second. */
export const EXAMPLE_METRIC = 'example_orders_total';

/** By language. Each resolves with what it said, and rejects when it failed. */
export const runExample = {
  async java({ bootstrap, registryUrl, topic }: Place, samples: number): Promise<string> {
    // Not in the clone: Maven leaves classes beside the sources.
    await using folder = await tempFolder('java');
    await cp(join(EXAMPLES, 'java'), folder.path, { recursive: true });
    const args = `-Dexec.args=${bootstrap} ${registryUrl} ${topic} ${samples}`;
    const { stdout } = await run('mvn', ['-q', '-B', '-ntp', 'compile', 'exec:java', args], {
      ...WITHIN,
      cwd: folder.path,
    });
    return stdout;
  },

  async python({ bootstrap, registryUrl, topic }: Place, samples: number): Promise<string> {
    const program = join(EXAMPLES, 'python/sample_producer.py');
    const env = { ...process.env, PYTHONPATH: cachedServer('pythonClient') };
    const { stdout } = await run('python3', [program, bootstrap, registryUrl, topic, String(samples)], {
      ...WITHIN,
      env,
    });
    return stdout;
  },

  async typescript({ bootstrap, registryUrl, topic }: Place, samples: number): Promise<string> {
    const program = join(EXAMPLES, 'typescript/sample-producer.ts');
    const { stdout } = await run(process.execPath, [program, bootstrap, registryUrl, topic, String(samples)], WITHIN);
    return stdout;
  },
};
