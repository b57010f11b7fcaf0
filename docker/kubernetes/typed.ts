import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// Manifests against the types of the Kubernetes API itself. Each object is written as a literal of its kind's type, and the
// compiler says what is missing, misspelt or of the wrong kind: of a literal it takes no key the type doesn't have.
//
//   kind: Service ──▶  const m0: import('kubernetes-types/core/v1').Service = {...};  ──▶ tsc

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: what the compiler is asked about
  readonly [key: string]: any;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** What the compiler says, a sentence a problem, `kind/name` in front; [] when all are sound. */
export function problemsByType(manifests: readonly Manifest[]): string[] {
  // Inside the checkout, so that packages are found; its name is ignored by git as all of node_modules.
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.manifests-'));
  try {
    const lines = manifests.map(
      (each, i) => `export const m${i}: import('${moduleOf(each)}').${each.kind} = ${JSON.stringify(each)};`,
    );
    writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--ignoreConfig',
      '--pretty',
      'false',
      '--module',
      'esnext',
    ];
    const resolution = ['--moduleResolution', 'bundler'];
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, ...options, ...resolution, join(folder, 'manifests.ts')],
      {
        encoding: 'utf8',
      },
    );
    const problems = [...stdout.matchAll(/manifests\.ts\((\d+),\d+\): error \w+: (.*)/g)].map(([, line, what]) => {
      const found = manifests[Number(line) - 1];
      return `${found?.kind}/${found?.metadata.name}: ${what}`;
    });
    if (status !== 0 && problems.length === 0) throw new Error(`the compiler failed: ${stdout}`);
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `apps/v1` -> the module that has its types. */
function moduleOf({ apiVersion }: Manifest): string {
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  return `kubernetes-types/${group.replace(/\.k8s\.io$/, '')}/${version}`;
}
