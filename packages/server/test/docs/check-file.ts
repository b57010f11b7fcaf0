import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTidemark } from '@tidemark/testkit/real';
import { parse } from 'yaml';

// Whether a file that a page shows is sound, as `tidemark check` tells. Throws with what it says.

type Check = (folder: string, name: string) => Promise<void>;

const CHECKS: readonly (readonly [name: RegExp, check: Check])[] = [
  [/^tests\//, (folder, name) => tidemark(folder, ['test', 'rules', name])],
  [/^rules\//, (folder, name) => tidemark(folder, ['check', 'rules', name])],
  [/^tidemark\.yaml$/, (folder, name) => tidemark(folder, ['check', 'config', name])],
  [/^alertmanager\.yml$/, (folder, name) => tidemark(folder, ['check', 'alertmanager', name])],
  [/^prometheus\.yml$/, checkPrometheus],
  // Grafana's, Docker's: no more than YAML can be said of them here.
  [/\.ya?ml$/, async (folder, name) => void parse(await readFile(join(folder, name), 'utf8'))],
];

export async function checkFile(folder: string, name: string): Promise<void> {
  await CHECKS.find(([pattern]) => pattern.test(name))?.[1](folder, name);
}

async function checkPrometheus(folder: string, name: string): Promise<void> {
  const around = 'reads-prometheus.yaml';
  await writeFile(join(folder, around), `scrape: { configFile: ${name} }\n`);
  await tidemark(folder, ['check', 'config', around]);
}

async function tidemark(folder: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runTidemark(args, { cwd: folder });
  if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
}
