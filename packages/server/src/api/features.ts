import { SIGNATURES } from '@tidemark/promql';
import type { Role } from '../config/schema.ts';

// GET /api/v1/features, in Prometheus' shape and words: what this process can do, by category. What Prometheus knows and is not
// named here is not there.

export interface FeatureParts {
  readonly roles: ReadonlySet<Role>;
  readonly adminApi: boolean;
}

export function features({ roles, adminApi }: FeatureParts) {
  return {
    api: {
      admin: adminApi,
      exclude_alerts: true,
      label_values_match: true,
      lifecycle: true,
      otlp_write_receiver: false,
      query_stats: true,
      query_warnings: true,
      remote_write_receiver: roles.has('ingest'),
      search: false,
      time_range_labels: true,
      time_range_series: true,
    },
    prometheus: { agent_mode: false, auto_reload_config: false, server_mode: true },
    promql: {
      ...trueFor(
        'at_modifier bool by duration_expr fill fill_left fill_right group_left group_right ignoring negative_offset',
      ),
      ...trueFor('offset on per_query_lookback_delta subqueries without'),
      anchored: false,
      delayed_name_removal: false,
      per_step_stats: false,
      smoothed: false,
      type_and_unit_labels: false,
    },
    promql_functions: trueFor([...SIGNATURES.keys()].sort().join(' ')),
    promql_operators: trueFor(
      '!= !~ % * + - / < </ <= == =~ > >/ >= @ ^ and atan2 avg bottomk count count_values group limit_ratio limitk max min or quantile stddev stdvar sum topk unless',
    ),
    tsdb: { exemplar_storage: true, native_histograms: true },
    ui: { ui_v2: false, ui_v3: roles.has('ui') },
  };
}

function trueFor(names: string): Record<string, true> {
  return Object.fromEntries(names.split(' ').map((name) => [name, true]));
}
