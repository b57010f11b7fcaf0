import { messageOf } from '@tidemark/base';
import { compileRegex, labelValue, METRIC_NAME } from '@tidemark/model';
import { executionError } from '../language/errors.ts';
import { quote } from '../language/literal.ts';
import { withLabel } from '../value/label-set.ts';
import { LABEL_WORK } from '../value/pace.ts';
import type { Series } from '../value/value.ts';
import { mixedVectorArgument, stringArgument } from './argument.ts';
import { type FunctionCall, valueFunction, vectorOf } from './definition.ts';

// Functions that make labels of labels.

/** Prometheus 3: any text that is not empty. */
export function checkLabelName(name: string, call: FunctionCall): void {
  if (name !== '' && name.isWellFormed()) return;
  throw executionError(`invalid destination label name in ${call.expr.name}(): ${quote(name)}`, call.expr.position);
}

/** The same series with `name` set; naming a metric anew keeps it from losing the name. */
function relabelled(series: Series, name: string, value: string): Series {
  const labels = withLabel(series.labels, name, value);
  return { ...series, labels, dropName: name === METRIC_NAME ? false : series.dropName };
}

async function labelReplace(call: FunctionCall) {
  const target = stringArgument(call, 1);
  const template = stringArgument(call, 2);
  const source = stringArgument(call, 3);
  const expression = stringArgument(call, 4);
  const regex = compileOrRefuse(expression, call);
  checkLabelName(target, call);
  const groups = regex.namedGroups();
  const memo = new Map<string, string | undefined>();

  const replacementFor = (value: string): string | undefined => {
    const found = regex.matcher(value);
    if (!found.matches()) return undefined;
    return expand(template, (group) => {
      const index = /^\d+$/.test(group) ? Number(group) : groups[group];
      return index === undefined || index > regex.groupCount() ? '' : (found.group(index) ?? '');
    });
  };

  const series: Series[] = [];
  for (const one of mixedVectorArgument(call, 0)) {
    const value = labelValue(one.labels, source);
    if (!memo.has(value)) memo.set(value, replacementFor(value));
    const replacement = memo.get(value);
    series.push(replacement === undefined ? one : relabelled(one, target, replacement));
    const pause = call.scope.meter.pulse(LABEL_WORK);
    if (pause) await pause;
  }
  return vectorOf(series);
}

function compileOrRefuse(expression: string, call: FunctionCall) {
  try {
    return compileRegex(expression, `${call.expr.name}()`);
  } catch (error) {
    throw executionError(
      `invalid regular expression in ${call.expr.name}(): ${expression} (${messageOf(error)})`,
      call.expr.position,
    );
  }
}

/** Go's template rules: `$1`, `$name` (as long as letters, digits and _ last), `${name}`, `$$`. */
export function expand(template: string, groupText: (group: string) => string): string {
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) =>
    whole === '$$' ? '$' : groupText(braced ?? bare ?? ''),
  );
}

function labelJoin(call: FunctionCall) {
  const target = stringArgument(call, 1);
  const separator = call.args.length > 2 ? stringArgument(call, 2) : '';
  const sources = call.args.slice(3).map((_, i) => stringArgument(call, i + 3));
  for (const source of sources) {
    if (source === '' || !source.isWellFormed()) {
      throw executionError(`invalid source label name in label_join(): ${quote(source)}`, call.expr.position);
    }
  }
  checkLabelName(target, call);
  const series = mixedVectorArgument(call, 0).map((one) =>
    relabelled(one, target, sources.map((source) => labelValue(one.labels, source)).join(separator)),
  );
  return vectorOf(series);
}

export const LABEL_FUNCTIONS = {
  label_replace: valueFunction(labelReplace),
  label_join: valueFunction(labelJoin),
} as const;
