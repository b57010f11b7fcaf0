import type { RulesFilter } from '@tidemark/alerts';
import { parseSelector } from '@tidemark/promql';
import { invalidParam, type Params } from '@tidemark/query';

/** What /api/v1/rules was asked for. Throws `PARAM_INVALID`, `PROMQL_SYNTAX`. */
export function rulesFilter(params: Params): RulesFilter {
  const type = (params.get('type')?.at(-1) ?? '').toLowerCase();
  if (type !== '' && type !== 'alert' && type !== 'record')
    throw invalidParam('type', `"${type}" must be alert or record`);
  const limit = params.get('group_limit')?.at(-1) ?? '';
  if (limit !== '' && !/^[1-9]\d{0,8}$/.test(limit))
    throw invalidParam('group_limit', `"${limit}" must be a whole number above 0`);
  const token = params.get('group_next_token')?.at(-1) ?? '';
  if (token !== '' && limit === '')
    throw invalidParam('group_next_token', 'group_limit needs to be present in order to paginate over the groups');
  const names = (name: string) => params.get(name) ?? [];
  return {
    excludeAlerts: truth('exclude_alerts', params.get('exclude_alerts')?.at(-1) ?? ''),
    ruleNames: names('rule_name[]'),
    groupNames: names('rule_group[]'),
    files: names('file[]'),
    ...(names('match[]').length > 0 ? { matcherSets: names('match[]').map(parseSelector) } : {}),
    ...(type === '' ? {} : { type }),
    ...(limit === '' ? {} : { groupLimit: Number(limit) }),
    ...(token === '' ? {} : { groupNextToken: token }),
  };
}

/** As Go reads it; nothing is false. */
function truth(name: string, text: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(?:|0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw invalidParam(name, `"${text}" must be true or false`);
}
