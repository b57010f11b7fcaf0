import { isTidemarkError } from '@tidemark/base';
import { parseDuration, type RelabelRule } from '@tidemark/model';
import { DNS_TYPES, type DnsType } from '../discovery/dns.ts';
import type { TargetGroup } from '../discovery/group.ts';
import { readGroups } from '../discovery/static.ts';
import { type ConfigPath, type ConfigProblem, ConfigReader } from './config-reader.ts';
import { HTTP_CLIENT_KEYS, type HttpClientConfig, readHttpClient } from './http-client.ts';
import { readRelabelRules } from './relabel-config.ts';

// Prometheus' `scrape_configs`: what we understand of them, checked. Whatever we do not is a complaint, never ignored.

export interface ScrapeConfig extends HttpClientConfig {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** 0: no limit, here and below. */
  readonly sampleLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly bodySizeLimitBytes: number;
  /** More targets than this, and none is scraped. */
  readonly targetLimit: number;
  /** Dropped targets that are shown. */
  readonly keepDroppedTargets: number;
  readonly staticGroups: readonly TargetGroup[];
  readonly fileSd: readonly FileSdConfig[];
  readonly httpSd: readonly HttpSdConfig[];
  readonly dnsSd: readonly DnsSdConfig[];
  readonly relabelRules: readonly RelabelRule[];
  readonly metricRelabelRules: readonly RelabelRule[];
  /** Equal for two configs that scrape a target alike: everything but where targets come from. */
  readonly scrapeFingerprint: string;
  /** Equal for two configs that are the same. */
  readonly fingerprint: string;
}

export interface FileSdConfig {
  readonly files: readonly string[];
  readonly refreshIntervalMs: number;
}

export interface HttpSdConfig {
  readonly url: string;
  readonly client: HttpClientConfig;
  readonly refreshIntervalMs: number;
}

export interface DnsSdConfig {
  readonly names: readonly string[];
  readonly type: DnsType;
  readonly port: number;
  readonly refreshIntervalMs: number;
}

/** What stands in `global` of prometheus.yml. */
export interface ScrapeDefaults {
  readonly scrapeIntervalMs?: number;
  readonly scrapeTimeoutMs?: number;
}

export interface ReadScrapeConfigs {
  /** Those without a problem. */
  readonly configs: readonly ScrapeConfig[];
  readonly problems: readonly ConfigProblem[];
  /** Where keys stand that were left out because they are not supported. */
  readonly leftOut: readonly ConfigPath[];
}

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 10_000;
// Below a second, offsets and timers of a busy process no longer mean much.
const INTERVAL_MS_MIN = 1000;
const REFRESH_MS = 300_000;
const HTTP_REFRESH_MS = 60_000;
const DNS_REFRESH_MS = 30_000;
const REFRESH_MS_MIN = 1000;
const FILE_PATTERN = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/;

const KEYS = [
  'job_name',
  'scrape_interval',
  'scrape_timeout',
  'metrics_path',
  'scheme',
  'params',
  'honor_labels',
  'honor_timestamps',
  ...HTTP_CLIENT_KEYS,
  'sample_limit',
  'label_limit',
  'label_name_length_limit',
  'label_value_length_limit',
  'body_size_limit',
  'static_configs',
  'file_sd_configs',
  'http_sd_configs',
  'dns_sd_configs',
  'target_limit',
  'keep_dropped_targets',
  'relabel_configs',
  'metric_relabel_configs',
];
const DISCOVERIES =
  'azure consul digitalocean docker dockerswarm ec2 eureka gce hetzner ionos kubernetes kuma lightsail linode marathon nerve nomad oci openstack outscale ovhcloud puppetdb scaleway serverset stackit triton uyuni vultr';
const UNSUPPORTED = [
  ...DISCOVERIES.split(' ').map((name) => `${name}_sd_configs`),
  'always_scrape_classic_histograms',
  'convert_classic_histograms_to_nhcb',
  'enable_http2',
  'extra_scrape_metrics',
  'fallback_scrape_protocol',
  'http_headers',
  'metric_name_escaping_scheme',
  'metric_name_validation_scheme',
  'native_histogram_bucket_limit',
  'native_histogram_min_bucket_factor',
  'no_proxy',
  'oauth2',
  'proxy_connect_header',
  'proxy_from_environment',
  'proxy_url',
  'scrape_classic_histograms',
  'scrape_failure_log_file',
  'scrape_native_histograms',
  'scrape_protocols',
  'track_timestamps_staleness',
];

/**
 * Reads the list under `scrape_configs`; `path` is where that list stands. Keys of Prometheus' that are not supported are problems,
 * or left out and told of.
 */
export function readScrapeConfigs(
  plain: unknown,
  defaults: ScrapeDefaults = {},
  path: ConfigPath = [],
  { unsupported }: { readonly unsupported: 'refuse' | 'leave out' } = { unsupported: 'refuse' },
): ReadScrapeConfigs {
  const problems: ConfigProblem[] = [];
  const leftOut: ConfigPath[] | undefined = unsupported === 'refuse' ? undefined : [];
  const configs: ScrapeConfig[] = [];
  const names = new Set<string>();
  for (const item of new ConfigReader(plain ?? [], path, problems, leftOut).items()) {
    const before = problems.length;
    const config = readScrapeConfig(item, defaults);
    if (names.has(config.jobName)) {
      (item.at('job_name') ?? item).complain(`there are two jobs of the name ${JSON.stringify(config.jobName)}`);
    }
    names.add(config.jobName);
    if (problems.length === before) configs.push(config);
  }
  return { configs, problems, leftOut: leftOut ?? [] };
}

function readScrapeConfig(item: ConfigReader, defaults: ScrapeDefaults): ScrapeConfig {
  item.onlyKeys(KEYS, UNSUPPORTED);
  const jobName = item.at('job_name')?.text() ?? '';
  if (jobName === '') (item.at('job_name') ?? item).complain('every scrape config needs a job_name');
  const times = readTimes(item, defaults);
  const rest = {
    ...times,
    metricsPath: item.at('metrics_path')?.text() ?? '/metrics',
    scheme: readScheme(item.at('scheme')),
    params: new Map((item.at('params')?.entries() ?? []).map(([name, values]) => [name, values.texts()] as const)),
    honorLabels: item.at('honor_labels')?.boolean() ?? false,
    honorTimestamps: item.at('honor_timestamps')?.boolean() ?? true,
    ...readHttpClient(item),
    sampleLimit: item.at('sample_limit')?.count() ?? 0,
    labelLimit: item.at('label_limit')?.count() ?? 0,
    labelNameLengthLimit: item.at('label_name_length_limit')?.count() ?? 0,
    labelValueLengthLimit: item.at('label_value_length_limit')?.count() ?? 0,
    targetLimit: item.at('target_limit')?.count() ?? 0,
    keepDroppedTargets: item.at('keep_dropped_targets')?.count() ?? 0,
    bodySizeLimitBytes: readBytes(item.at('body_size_limit')),
    relabelRules: readRelabelRules(item.at('relabel_configs')),
    metricRelabelRules: readRelabelRules(item.at('metric_relabel_configs')),
  };
  const list = item.at('static_configs');
  const staticGroups = list ? readGroups(list, `static_configs of ${jobName}`) : [];
  const fileSd = (item.at('file_sd_configs')?.items() ?? []).map(readFileSd);
  const httpSd = (item.at('http_sd_configs')?.items() ?? []).map(readHttpSd);
  const dnsSd = (item.at('dns_sd_configs')?.items() ?? []).map(readDnsSd);
  return {
    jobName,
    ...rest,
    staticGroups,
    fileSd,
    httpSd,
    dnsSd,
    scrapeFingerprint: fingerprintOf(item.value, times, [
      'static_configs',
      'file_sd_configs',
      'http_sd_configs',
      'dns_sd_configs',
    ]),
    fingerprint: fingerprintOf(item.value, times, []),
  };
}

function readTimes(
  item: ConfigReader,
  defaults: ScrapeDefaults,
): { readonly scrapeIntervalMs: number; readonly scrapeTimeoutMs: number } {
  const interval = item.at('scrape_interval');
  const timeout = item.at('scrape_timeout');
  const scrapeIntervalMs = interval ? readDuration(interval) : (defaults.scrapeIntervalMs ?? INTERVAL_MS);
  if (interval && scrapeIntervalMs < INTERVAL_MS_MIN) interval.complain('must be 1s or longer');
  // A timeout nobody wrote gives way to a short interval; one that somebody wrote is taken at its word.
  const scrapeTimeoutMs = timeout
    ? readDuration(timeout)
    : Math.min(defaults.scrapeTimeoutMs ?? TIMEOUT_MS, scrapeIntervalMs);
  if (timeout && scrapeTimeoutMs === 0) timeout.complain('must be longer than 0');
  if (timeout && scrapeTimeoutMs > scrapeIntervalMs) timeout.complain('must not be longer than scrape_interval');
  return { scrapeIntervalMs, scrapeTimeoutMs };
}

export function readDuration(reader: ConfigReader): number {
  try {
    return parseDuration(reader.text());
  } catch (error) {
    if (!isTidemarkError(error, 'DURATION_INVALID')) throw error;
    reader.complain(error.message);
    return INTERVAL_MS;
  }
}

function readScheme(reader: ConfigReader | undefined): 'http' | 'https' {
  const scheme = reader?.text() ?? 'http';
  if (scheme === 'http' || scheme === 'https') return scheme;
  reader?.complain(`${JSON.stringify(scheme)} is no scheme to scrape by; write http or https`);
  return 'http';
}

const UNITS = ['B', 'K', 'M', 'G', 'T', 'P', 'E'];

/** `10MB`, `512KiB`, both by 1024 as Prometheus has it; 0 is no limit. */
function readBytes(reader: ConfigReader | undefined): number {
  if (!reader) return 0;
  const match = /^(\d+(?:\.\d+)?)([BKMGTPE])?(i?B)?$/.exec(reader.text());
  const unit = match?.[2];
  if (!match || (unit === undefined && match[3] === undefined && Number(match[1]) !== 0)) {
    reader.complain('must be a size like 10MB');
    return 0;
  }
  return Math.floor(Number(match[1]) * 1024 ** Math.max(0, UNITS.indexOf(unit ?? 'B')));
}

function readFileSd(item: ConfigReader): FileSdConfig {
  item.onlyKeys(['files', 'refresh_interval'], []);
  const files = item.at('files');
  if (!files) item.complain('file_sd_configs needs files');
  for (const file of files?.items() ?? []) {
    if (!FILE_PATTERN.test(file.text())) {
      file.complain('must end in .json, .yml or .yaml, with at most one * and that in the last part of the path');
    }
  }
  const refresh = item.at('refresh_interval');
  const refreshIntervalMs = refresh ? readDuration(refresh) : REFRESH_MS;
  if (refreshIntervalMs < REFRESH_MS_MIN) refresh?.complain('must be 1s or longer');
  return { files: files?.texts() ?? [], refreshIntervalMs };
}

// What else a client of Prometheus' may be told, everywhere one is.
const CLIENT_UNSUPPORTED = [
  'enable_http2',
  'http_headers',
  'no_proxy',
  'oauth2',
  'proxy_connect_header',
  'proxy_from_environment',
  'proxy_url',
];

function readHttpSd(item: ConfigReader): HttpSdConfig {
  item.onlyKeys(['url', 'refresh_interval', ...HTTP_CLIENT_KEYS], CLIENT_UNSUPPORTED);
  const url = item.at('url');
  if (!url) item.complain('http_sd_configs needs a url');
  const text = url?.text() ?? '';
  if (url && !(URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).host !== '')) {
    url.complain(`${JSON.stringify(text)} is no http or https URL`);
  }
  const refresh = item.at('refresh_interval');
  const refreshIntervalMs = refresh ? readDuration(refresh) : HTTP_REFRESH_MS;
  if (refreshIntervalMs < REFRESH_MS_MIN) refresh?.complain('must be 1s or longer');
  return { url: text, client: readHttpClient(item), refreshIntervalMs };
}

function readDnsSd(item: ConfigReader): DnsSdConfig {
  item.onlyKeys(['names', 'type', 'port', 'refresh_interval'], []);
  const names = item.at('names')?.texts() ?? [];
  if (names.length === 0) (item.at('names') ?? item).complain('dns_sd_configs needs names');
  const written = item.at('type')?.text() ?? 'SRV';
  const type = DNS_TYPES.find((candidate) => candidate === written.toUpperCase());
  if (!type)
    item.at('type')?.complain(`${JSON.stringify(written)} is no type of record; types are ${DNS_TYPES.join(', ')}`);
  const port = item.at('port')?.count() ?? 0;
  if (type && type !== 'SRV' && port === 0) item.complain(`records of type ${type} need a port`);
  const refresh = item.at('refresh_interval');
  const refreshIntervalMs = refresh ? readDuration(refresh) : DNS_REFRESH_MS;
  if (refreshIntervalMs < REFRESH_MS_MIN) refresh?.complain('must be 1s or longer');
  return { names, type: type ?? 'SRV', port, refreshIntervalMs };
}

function fingerprintOf(plain: unknown, times: object, without: readonly string[]): string {
  return JSON.stringify([times, plain], (key, value: unknown) => (without.includes(key) ? undefined : value));
}
