import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

// The repository as the tidy tests see it: its own files, without what is installed, built, captured or stored.

export const repositoryRoot: string = fileURLToPath(new URL('../../../../', import.meta.url));

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.nx', 'coverage', 'data', 'testdata']);

/** Paths from the root, with forward slashes, sorted. */
export function filesOfRepository(): string[] {
  return [...walk(repositoryRoot)].map((path) => relative(repositoryRoot, path).split(sep).join('/')).sort();
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name) || /^\.tidemark-/.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

export function textOf(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

export interface Package {
  /** Folder below packages/, which is the name after `@tidemark/`. */
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  /** The sub-paths others may import: `.`, `./sim`. */
  readonly exports: readonly string[];
  /** Packages named by tsconfig's references; undefined without a tsconfig of ours. */
  readonly references: readonly string[] | undefined;
}

export function packagesOfRepository(): Package[] {
  return readdirSync(join(repositoryRoot, 'packages'))
    .filter((name) => existsSync(join(repositoryRoot, 'packages', name, 'package.json')))
    .sort()
    .map(packageNamed);
}

function packageNamed(name: string): Package {
  const manifest = jsonOf(`packages/${name}/package.json`) as {
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
    exports?: Record<string, unknown>;
  };
  const tsconfig = `packages/${name}/tsconfig.json`;
  return {
    name,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    devDependencies: Object.keys(manifest.devDependencies ?? {}),
    exports: Object.keys(manifest.exports ?? {}),
    references: existsSync(join(repositoryRoot, tsconfig)) ? referencesIn(tsconfig) : undefined,
  };
}

function referencesIn(tsconfig: string): string[] | undefined {
  const { references } = jsonOf(tsconfig) as { references?: { path: string }[] };
  return references?.map(({ path }) => path.replace(/^\.\.\//, ''));
}

function jsonOf(path: string): unknown {
  return JSON.parse(textOf(path));
}

/** The source with its comments blanked out, line by line, so that line numbers stay. Strings are kept. */
export function withoutComments(source: string): string {
  // Strings and regex-free code first, so that `//` inside a string is no comment.
  const pattern = /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return source.replace(pattern, (found: string, text: string | undefined) => text ?? found.replace(/[^\n]/g, ' '));
}

/**
 * What a source imports or re-exports, types included: `import ... from`, `export ... from`, `import '...'` where a
 * line begins with it, and `import('...')` anywhere.
 */
export function importsOf(source: string): string[] {
  const pattern =
    /^(?:import|export)\b[^;'"`]*?\bfrom\s*(['"])(.+?)\1|^import\s*(['"])(.+?)\3|\bimport\(\s*(['"])(.+?)\5/gm;
  return [...withoutComments(source).matchAll(pattern)].map((match) => match[2] ?? match[4] ?? match[6] ?? '');
}
