import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';
import {
  type ConfigPath,
  type HttpClientConfig,
  readScrapeConfigs,
  type ScrapeConfig,
  type TextOrFile,
} from '@tidemark/collector';
import { parseDuration } from '@tidemark/model';
import { LineCounter, parseDocument } from 'yaml';
import { lineOf } from './yaml-lines.ts';

// A prometheus.yml as it is: `scrape_configs`, `rule_files`, and of `global` what concerns them. Whatever else it says is left
// to other programs and named in one sentence; a mistake in what is read is an error with file and line.

export interface PrometheusFile {
  readonly scrapeConfigs: readonly ScrapeConfig[];
  readonly externalLabels: Readonly<Record<string, string>>;
  /** Patterns of rule files, from the folder of the file. */
  readonly ruleFiles: readonly string[];
  /** Of rule groups that name none. */
  readonly evaluationIntervalMs: number | undefined;
  /** What is in the file and does nothing here: `alerting`, `scrape_configs[node].tls_config`. */
  readonly ignored: readonly string[];
}

const SECTIONS = ['global', 'rule_files', 'scrape_configs'];
const OTHER_SECTIONS = 'alerting otlp remote_read remote_write runtime scrape_config_files storage tracing'.split(' ');
const GLOBAL_KEYS = ['scrape_interval', 'scrape_timeout', 'evaluation_interval', 'external_labels'];
const OTHER_GLOBAL_KEYS =
  'always_scrape_classic_histograms body_size_limit convert_classic_histograms_to_nhcb extra_scrape_metrics keep_dropped_targets label_limit label_name_length_limit label_value_length_limit metric_name_escaping_scheme metric_name_validation_scheme query_log_file rule_query_offset sample_limit scrape_failure_log_file scrape_native_histograms scrape_protocols target_limit'.split(
    ' ',
  );

/** Throws `CONFIG_NOT_FOUND`, `CONFIG_INVALID` with one line per problem. */
export async function readPrometheusFile(file: string): Promise<PrometheusFile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const message = `scrape.configFile: ${file} cannot be read: ${messageOf(error)}`;
    throw new TidemarkError('CONFIG_NOT_FOUND', message, { file }, error);
  }
  return parsePrometheusFile(text, file);
}

export function parsePrometheusFile(text: string, file: string): PrometheusFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (path: ConfigPath) => `${file}:${lineOf(document, lines, path.map(String))}`;
  if (document.errors.length > 0) {
    throw invalid(document.errors.map((e) => `${file}:${lines.linePos(e.pos[0]).line}: ${e.message.split('\n')[0]}`));
  }
  const plain = (document.toJS() ?? {}) as unknown;
  if (!isRecord(plain)) throw invalid([`${file}:1: a prometheus.yml is a mapping of sections`]);
  const problems: string[] = [];
  const complain = (path: ConfigPath, message: string) => problems.push(`${at(path)}: ${path.join('.')}: ${message}`);
  const global = isRecord(plain['global']) ? plain['global'] : {};
  const duration = (key: string): number | undefined => {
    if (global[key] === undefined) return undefined;
    try {
      return parseDuration(String(global[key]));
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      complain(['global', key], error.message);
      return undefined;
    }
  };
  /** Names of what is Prometheus' and not read here; what is nobody's is a mistake. */
  const others = (node: object, path: ConfigPath, known: readonly string[], other: readonly string[]): string[] => {
    return Object.keys(node).filter((key) => {
      if (known.includes(key)) return false;
      if (!other.includes(key)) complain([...path, key], 'there is no such setting in a prometheus.yml');
      return true;
    });
  };
  const otherSections = others(plain, [], SECTIONS, OTHER_SECTIONS);
  const otherGlobals = others(global, ['global'], GLOBAL_KEYS, OTHER_GLOBAL_KEYS);
  const scrapeIntervalMs = duration('scrape_interval');
  const scrapeTimeoutMs = duration('scrape_timeout');
  if (scrapeIntervalMs !== undefined && scrapeTimeoutMs !== undefined && scrapeTimeoutMs > scrapeIntervalMs)
    complain(['global', 'scrape_timeout'], 'must not be longer than scrape_interval');
  const evaluationIntervalMs = duration('evaluation_interval');
  const ruleFiles = plain['rule_files'] ?? [];
  if (!Array.isArray(ruleFiles) || ruleFiles.some((one) => typeof one !== 'string'))
    complain(['rule_files'], 'must be a list of names');
  const read = readScrapeConfigs(
    plain['scrape_configs'],
    {
      ...(scrapeIntervalMs === undefined ? {} : { scrapeIntervalMs }),
      ...(scrapeTimeoutMs === undefined ? {} : { scrapeTimeoutMs }),
    },
    ['scrape_configs'],
    { unsupported: 'leave out' },
  );
  for (const { path, message } of read.problems) complain(path, message);
  if (problems.length > 0) throw invalid(problems);
  const jobNameAt = (index: unknown) => jobName(plain['scrape_configs'], index);
  return {
    scrapeConfigs: read.configs.map((config) => besideFile(config, dirname(file))),
    externalLabels: externalLabels(global['external_labels']),
    ruleFiles: (ruleFiles as readonly string[]).map((name) => beside(name, dirname(file))),
    evaluationIntervalMs,
    ignored: [
      ...otherSections,
      ...otherGlobals.map((key) => `global.${key}`),
      ...read.leftOut.map(([section, index, ...rest]) => `${section}[${jobNameAt(index)}].${rest.join('.')}`),
    ],
  };
}

function beside(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** Target files are named from the folder of the file that names them. */
function besideFile(config: ScrapeConfig, folder: string): ScrapeConfig {
  const here = (path: string) => beside(path, folder);
  return {
    ...config,
    ...clientBeside(config, here),
    fileSd: config.fileSd.map((sd) => ({ ...sd, files: sd.files.map(here) })),
    httpSd: config.httpSd.map((sd) => ({ ...sd, client: { ...sd.client, ...clientBeside(sd.client, here) } })),
  };
}

/** So are credentials and certificates. */
function clientBeside({ credentialFiles, tls }: HttpClientConfig, beside: (path: string) => string) {
  const part = (one: TextOrFile): TextOrFile => ('file' in one ? { file: beside(one.file) } : one);
  const files =
    credentialFiles?.kind === 'token'
      ? { ...credentialFiles, file: beside(credentialFiles.file) }
      : credentialFiles && {
          ...credentialFiles,
          username: part(credentialFiles.username),
          password: part(credentialFiles.password),
        };
  return { credentialFiles: files, tls: tls && { ...tls, ca: part(tls.ca), cert: part(tls.cert), key: part(tls.key) } };
}

function externalLabels(plain: unknown): Record<string, string> {
  if (!isRecord(plain)) return {};
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, String(value)]));
}

function jobName(configs: unknown, index: unknown): string {
  const config: unknown = Array.isArray(configs) ? configs[Number(index)] : undefined;
  return isRecord(config) ? String(config['job_name']) : String(index);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(problems: readonly string[]): TidemarkError {
  return new TidemarkError('CONFIG_INVALID', problems.join('\n'), { problems: problems.length });
}
