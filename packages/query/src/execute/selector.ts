import { TidemarkError } from '@tidemark/base';
import type { Matcher } from '@tidemark/model';
import { parse, withoutParens } from '@tidemark/promql';

/** The matchers of a `match[]` selector. Throws `PROMQL_SYNTAX`, `PARAM_INVALID` for anything but a plain selector. */
export function parseSelector(text: string): readonly Matcher[] {
  const expr = withoutParens(parse(text));
  if (expr.kind !== 'vectorSelector' || expr.offset || expr.at) {
    throw new TidemarkError(
      'PARAM_INVALID',
      `invalid parameter "match[]": ${JSON.stringify(text)} is no series selector`,
      { text },
    );
  }
  return expr.matchers;
}
