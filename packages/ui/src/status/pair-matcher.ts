// From what a cardinality list names to what PromQL understands.

const plainName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const plainLabel = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** `name` where it may stand alone, `{"its name"}` where it holds what a bare name can't. */
export function metricSelector(name: string): string {
  return plainName.test(name) ? name : `{${JSON.stringify(name)}}`;
}

/** `name=value`, as lists write a pair, as a matcher. The value may hold `=`; a label's name is taken not to. */
export function matcherOfPair(pair: string): string {
  const at = pair.indexOf('=');
  const [name, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
  return `${plainLabel.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`;
}
