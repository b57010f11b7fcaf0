import { formatDuration } from '@tidemark/model';
import { stringify } from 'yaml';
import { LEAVES, type Leaf } from './leaves.ts';
import type { LoadedConfig } from './load.ts';

// The configuration in force, for people and tools: written as a person would write it, secrets hidden.

const HIDDEN = '<secret>';
// Keys of Prometheus' and our own configuration whose text opens doors.
const SECRET_KEYS =
  /^(password|passphrase|key|credentials|secret|token|secret_?access_?key|bearer_?token|client_?secret|.*_?api_?key|routing_?key|service_?key|auth_?token)$/i;
// Who has a webhook's address may post to it: often there is a key in it.
const SECRET_LEAVES = new Set(['notifier.webhookUrl', 'notifier.webhooks']);
// Lists of rules in which every number is a duration.
const RULES_OF_DURATIONS = new Set(['store.retentionRules']);

/** Every setting, defaults included, as YAML. */
export function configYaml(loaded: LoadedConfig): string {
  const tree = {};
  for (const leaf of LEAVES) {
    const at = leaf.path.slice(0, -1).reduce<Record<string, unknown>>((node, part) => {
      node[part] ??= {};
      return node[part] as Record<string, unknown>;
    }, tree);
    at[leaf.path.at(-1) as string] = shownValue(leaf, loaded);
  }
  return stringify(tree, { lineWidth: 0 });
}

/** A setting as it is written, not as it is kept: durations with their unit. */
export function shownValue(leaf: Leaf, loaded: LoadedConfig): unknown {
  const value = leaf.path.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], loaded.config);
  if (leaf.kind === 'string' && typeof value === 'number') return formatDuration(value);
  if (RULES_OF_DURATIONS.has(leaf.path.join('.'))) return (value as object[]).map(withUnits);
  if (SECRET_KEYS.test(leaf.path.at(-1) as string) && value !== '') return HIDDEN;
  return withoutSecrets(value, SECRET_LEAVES.has(leaf.path.join('.')));
}

/** All that is a number in such a rule is a duration. */
function withUnits(rule: object): object {
  const shown = Object.entries(rule).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    shown.map(([key, value]) => [key, typeof value === 'number' ? formatDuration(value) : value]),
  );
}

function withoutSecrets(value: unknown, secretUrls: boolean): unknown {
  if (typeof value === 'string') {
    if (secretUrls && /^https?:/.test(value)) return HIDDEN;
    return value.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/:@\s]*):[^/@\s]*@/i, `$1:${HIDDEN}@`);
  }
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, secretUrls));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      SECRET_KEYS.test(key) && inner !== '' && inner !== null ? HIDDEN : withoutSecrets(inner, secretUrls),
    ]),
  );
}

/** Prometheus' flags that have a setting here, then every setting by its path. Values are text. */
export function flags(loaded: LoadedConfig): Record<string, string> {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const own = Object.fromEntries(LEAVES.map((leaf) => [leaf.path.join('.'), text(shownValue(leaf, loaded))]));
  const theirs = Object.entries(PROMETHEUS_FLAGS).map(([flag, path]) => [flag, own[path] ?? ''] as const);
  return { 'config.file': loaded.file ?? '', ...Object.fromEntries(theirs), ...own };
}

const PROMETHEUS_FLAGS: Readonly<Record<string, string>> = {
  'log.level': 'logging.level',
  'query.lookback-delta': 'query.lookback',
  'query.max-concurrency': 'query.concurrency',
  'query.max-samples': 'query.samples',
  'query.timeout': 'query.timeout',
  'storage.tsdb.path': 'data',
  'storage.tsdb.retention.time': 'store.retentionRaw',
  'web.cors.origin': 'http.corsOrigin',
  'web.listen-address': 'http.listen',
};
