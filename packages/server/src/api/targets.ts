import type { ScrapeManager, TargetStatus } from '@tidemark/collector';
import { formatDuration, type Labels, labelValue } from '@tidemark/model';
import { parseSelector } from '@tidemark/promql';
import { countParam, described } from './metric-metadata.ts';
import type { Answers, Question } from './routes.ts';

// GET /api/v1/{targets,targets/metadata,scrape_pools}: what this process scrapes, as Prometheus tells it.

/** `scraper`: undefined where this process scrapes nothing. */
export function targetAnswers(scraper: () => ScrapeManager | undefined): Answers {
  return {
    '/targets': (question) => targets(scraper(), question),
    '/targets/metadata': (question) => targetMetadata(scraper(), question),
    '/scrape_pools': () => ({ scrapePools: [...(scraper()?.droppedCounts().keys() ?? [])].sort() }),
  };
}

const NEVER = '0001-01-01T00:00:00Z';

/** Active targets with health and last error, dropped ones with what discovery said of them. */
function targets(scraper: ScrapeManager | undefined, { params }: Question) {
  const state = (params.get('state')?.[0] ?? '').toLowerCase();
  const wanted = params.get('scrapePool')?.[0] ?? '';
  const ofPool = <T extends { readonly pool: string }>(list: readonly T[]) =>
    list
      .filter(({ pool }) => wanted === '' || pool === wanted)
      .sort((a, b) => (a.pool < b.pool ? -1 : a.pool > b.pool ? 1 : 0));
  const shows = (what: string) => state === '' || state === 'any' || state === what;
  return {
    activeTargets: shows('active') ? ofPool(scraper?.targets() ?? []).map(active) : [],
    droppedTargets: shows('dropped')
      ? ofPool(scraper?.dropped() ?? []).map(({ pool, discoveredLabels }) => ({
          discoveredLabels: record(discoveredLabels),
          scrapePool: pool,
        }))
      : [],
    droppedTargetCounts: shows('dropped')
      ? Object.fromEntries([...(scraper?.droppedCounts() ?? [])].filter(([pool]) => wanted === '' || pool === wanted))
      : {},
  };
}

function active(target: TargetStatus) {
  return {
    discoveredLabels: record(target.discoveredLabels),
    labels: record(target.labels),
    scrapePool: target.pool,
    scrapeUrl: target.scrapeUrl,
    globalUrl: target.scrapeUrl,
    lastError: target.lastError,
    lastScrape: Number.isNaN(target.lastScrapeMs) ? NEVER : new Date(target.lastScrapeMs).toISOString(),
    lastScrapeDuration: Number.isNaN(target.lastScrapeDurationSeconds) ? 0 : target.lastScrapeDurationSeconds,
    health: target.health,
    scrapeInterval: formatDuration(target.scrapeIntervalMs),
    scrapeTimeout: formatDuration(target.scrapeTimeoutMs),
  };
}

/**
 * What pages say of their metrics, target by target; as in Prometheus, no further target is begun once `limit` entries are there.
 * Throws `PARAM_INVALID`, `PROMQL_SYNTAX`.
 */
function targetMetadata(scraper: ScrapeManager | undefined, { params }: Question) {
  const limit = countParam(params, 'limit');
  const selector = params.get('match_target')?.[0] ?? '';
  const metric = params.get('metric')?.[0] ?? '';
  const matchers = selector === '' ? [] : parseSelector(selector);
  const found: object[] = [];
  for (const target of scraper?.targets() ?? []) {
    if (limit >= 0 && found.length >= limit) break;
    if (!matchers.every((matcher) => matcher.matches(labelValue(target.labels, matcher.name)))) continue;
    for (const entry of target.metadata) {
      if (metric !== '' && entry.metric !== metric) continue;
      const named = metric === '' ? { metric: entry.metric } : {};
      found.push({ target: record(target.labels), ...named, ...described(entry) });
    }
  }
  return found;
}

function record(labels: Labels): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}
