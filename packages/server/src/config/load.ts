import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf, systemCode, TidemarkError } from '@tidemark/base';
import { readScrapeConfigs, type ScrapeConfig } from '@tidemark/collector';
import { LineCounter, parseDocument } from 'yaml';
import { LEAVES, type Leaf } from './leaves.ts';
import { nearestOf } from './nearest.ts';
import { type PrometheusFile, readPrometheusFile } from './prometheus-file.ts';
import { CONFIG_SCHEMA, type Config } from './schema.ts';
import { lineOf } from './yaml-lines.ts';

// Reads the configuration: file, then environment, then flags; whoever comes later wins. Every complaint names the file and
// line, or the variable, and the nearest valid key.

export interface LoadedConfig {
  readonly config: Config;
  /** The jobs of `scrape.configs` and of `scrape.configFile`, read. */
  readonly scrapeConfigs: readonly ScrapeConfig[];
  /** Of `federation.externalLabels`, and of the file's `global` below them. */
  readonly externalLabels: Readonly<Record<string, string>>;
  /** For people: what was written and does nothing. */
  readonly warnings: readonly string[];
  /** Where each leaf that is not a default came from: `tidemark.yaml:12`, `TIDEMARK_HTTP_LISTEN`, `--roles`. */
  readonly origins: ReadonlyMap<string, string>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
}

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings from the command line, by path (`http.listen`). */
  readonly flags?: ReadonlyMap<string, { readonly flag: string; readonly value: unknown }>;
}

const DEFAULT_FILE = 'tidemark.yaml';

/** Throws `CONFIG_NOT_FOUND`, `CONFIG_UNREADABLE`, `CONFIG_INVALID` with one line per problem. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  // An empty one names nothing: compose files pass variables on that nobody set.
  const named = options.env['TIDEMARK_CONFIG'] || undefined;
  const file = named ?? DEFAULT_FILE;
  const text = await readIfThere(file, named !== undefined);
  const parsed = parseConfig(text ?? '', file, options);
  const loaded = { ...parsed, file: text === undefined ? undefined : file };
  const { configFile } = loaded.config.scrape;
  return configFile === '' ? loaded : withPrometheusFile(loaded, configFile, await readPrometheusFile(configFile));
}

function withPrometheusFile(loaded: LoadedConfig, name: string, file: PrometheusFile): LoadedConfig {
  const own = new Set(loaded.scrapeConfigs.map(({ jobName }) => jobName));
  const twice = file.scrapeConfigs.find(({ jobName }) => own.has(jobName));
  if (twice) {
    const where = loaded.origins.get('scrape.configs') ?? 'scrape.configs';
    throw invalid([`${where}: there is a job ${JSON.stringify(twice.jobName)} in ${name} already`]);
  }
  const { rules } = loaded.config;
  // What is not there is no rule file, as in Prometheus; a name of our own that is not there is a mistake.
  const missing = file.ruleFiles.filter((path) => !/[*?[]/.test(path) && !existsSync(path));
  const files = [...rules.files, ...file.ruleFiles.filter((path) => !missing.includes(path))];
  const ownInterval = loaded.origins.has('rules.interval') ? rules.interval : undefined;
  const interval = ownInterval ?? file.evaluationIntervalMs ?? rules.interval;
  const ignored = `${name} says more than Tidemark reads of it; without effect are ${file.ignored.join(', ')}`;
  return {
    ...loaded,
    config: { ...loaded.config, rules: { ...rules, files, interval } },
    scrapeConfigs: [...loaded.scrapeConfigs, ...file.scrapeConfigs],
    externalLabels: { ...file.externalLabels, ...loaded.externalLabels },
    warnings: [
      ...loaded.warnings,
      ...(file.ignored.length === 0 ? [] : [ignored]),
      ...missing.map((path) => `${name} names the rule file ${path}, which is not there`),
    ],
  };
}

async function readIfThere(file: string, required: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      if (!required) return undefined;
      throw new TidemarkError(
        'CONFIG_NOT_FOUND',
        `there is no configuration file ${file} (named by TIDEMARK_CONFIG)`,
        { file },
        error,
      );
    }
    throw new TidemarkError(
      'CONFIG_UNREADABLE',
      `the configuration file ${file} cannot be read: ${messageOf(error)}`,
      { file },
      error,
    );
  }
}

export function parseConfig(text: string, file: string, options: LoadOptions): Omit<LoadedConfig, 'file'> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const problems = document.errors.map((e) => `${file}:${lines.linePos(e.pos[0]).line}: ${e.message.split('\n')[0]}`);
    throw invalid(problems);
  }
  const written = (document.toJS() ?? {}) as unknown;
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    throw invalid([`${file}:1: the configuration must be a mapping of sections, like "http:" with "listen:" below it`]);
  }
  const tree = written as Tree;
  const origins = new Map<string, string>();
  for (const leaf of LEAVES) {
    if (document.hasIn(leaf.path)) origins.set(leaf.path.join('.'), `${file}:${lineOf(document, lines, leaf.path)}`);
  }
  applyEnvironment(tree, options.env, origins);
  for (const [path, { flag, value }] of options.flags ?? []) {
    put(tree, path.split('.'), value);
    origins.set(path, flag);
  }
  const where = (path: readonly PropertyKey[]) => {
    const origin = origins.get(path.slice(0, 2).map(String).join('.')) ?? origins.get(String(path[0]));
    if (origin !== undefined && !origin.startsWith(`${file}:`)) return origin;
    return `${file}:${lineOf(document, lines, path.map(String))}`;
  };
  const result = CONFIG_SCHEMA.safeParse(tree, { reportInput: true });
  if (!result.success) throw invalid(result.error.issues.flatMap((issue) => describe(issue, where)));
  const { configs, interval, timeout } = result.data.scrape;
  const defaults = { scrapeIntervalMs: interval, scrapeTimeoutMs: timeout };
  const scrape = readScrapeConfigs(configs, defaults, ['scrape', 'configs']);
  if (scrape.problems.length > 0) {
    throw invalid(scrape.problems.map(({ path, message }) => `${where(path)}: ${path.join('.')}: ${message}`));
  }
  const { externalLabels } = result.data.federation;
  return { config: result.data, scrapeConfigs: scrape.configs, externalLabels, warnings: [], origins };
}

type Tree = { [key: string]: unknown };

function applyEnvironment(tree: Tree, env: LoadOptions['env'], origins: Map<string, string>): void {
  const problems: string[] = [];
  for (const leaf of LEAVES) {
    const text = env[leaf.variable];
    if (text === undefined) continue;
    const value = readVariable(leaf, text);
    if (value === undefined) problems.push(`${leaf.variable}: ${JSON.stringify(text)} is no ${leaf.kind}`);
    put(tree, leaf.path, value);
    origins.set(leaf.path.join('.'), leaf.variable);
  }
  if (problems.length > 0) throw invalid(problems);
}

function readVariable(leaf: Leaf, text: string): unknown {
  if (leaf.kind === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
  if (leaf.kind === 'boolean')
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined;
  if (leaf.kind !== 'array' && leaf.kind !== 'record') return text;
  if (leaf.kind === 'array' && !text.trim().startsWith('[')) return text.split(',').map((part) => part.trim());
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // said as "is no array"
  }
}

// Read by others than the configuration: which file it is, where tests keep programs.
const NO_SETTINGS = new Set(['TIDEMARK_CONFIG', 'TIDEMARK_CACHE']);

/** A sentence for each variable that looks like a setting by a slip of the finger, and would otherwise do nothing. */
export function strangeVariables(env: LoadOptions['env']): string[] {
  const known = LEAVES.map((leaf) => leaf.variable);
  return Object.keys(env)
    .filter((name) => name.startsWith('TIDEMARK_') && !known.includes(name) && !NO_SETTINGS.has(name))
    .map((name) => {
      const nearest = nearestOf(name, known);
      return `${name} is no setting and does nothing${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    });
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    if (typeof next === 'object' && next !== null) at = next as Tree;
    else {
      const made: Tree = {};
      at[part] = made;
      at = made;
    }
  }
  at[path[path.length - 1] as string] = value;
}

interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
  /** What is valid instead. */
  readonly values?: readonly unknown[];
  readonly input?: unknown;
}

function describe(issue: Issue, where: (path: readonly PropertyKey[]) => string): string[] {
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return `${where(path)}: there is no setting ${path.map(String).join('.')}${suggestion(issue.path, key)}`;
    });
  }
  if (issue.code === 'invalid_value' && issue.values && typeof issue.input === 'string') {
    const valid = issue.values.map(String);
    const nearest = nearestOf(issue.input, valid);
    const hint = nearest === undefined ? `it is one of ${valid.join(', ')}` : `did you mean ${nearest}?`;
    return [`${where(issue.path)}: ${issue.path.map(String).join('.')}: there is no ${issue.input}; ${hint}`];
  }
  return [`${where(issue.path)}: ${issue.path.map(String).join('.')}: ${issue.message}`];
}

function suggestion(parent: readonly PropertyKey[], key: string): string {
  const depth = parent.length;
  const siblings = new Set(
    LEAVES.filter((leaf) => parent.every((part, i) => leaf.path[i] === part)).map((leaf) => leaf.path[depth] ?? ''),
  );
  const nearest = nearestOf(key, siblings);
  return nearest === undefined
    ? `; the valid ones are ${[...siblings].join(', ')}`
    : `; did you mean ${[...parent.map(String), nearest].join('.')}?`;
}

function invalid(problems: readonly string[]): TidemarkError {
  return new TidemarkError('CONFIG_INVALID', problems.join('\n'), { problems: problems.length });
}
