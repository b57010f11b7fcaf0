// Whether Go's text/template would take a list of actions, as far as names and nesting go: enough to tell a typing error
// (which Prometheus refuses as well) from a feature that is not here yet.

const KEYWORDS = new Set([
  'if',
  'else',
  'end',
  'range',
  'with',
  'define',
  'template',
  'block',
  'break',
  'continue',
  'nil',
]);
const OPENING = new Set(['if', 'range', 'with', 'define', 'block']);

// Go's own functions and those that Prometheus adds for alert templates.
const FUNCTIONS = new Set(
  `and call html index slice js len not or print printf println urlquery eq ge gt le lt ne true false
   query first label value strvalue args reReplaceAll safeHtml urlQueryEscape match title toUpper toLower graphLink tableLink
   sortByLabel stripPort stripDomain humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime
   toDuration pathPrefix externalURL parseDuration parseDurationTime now`.split(/\s+/),
);

const TOKEN =
  /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|\$[A-Za-z0-9_]*|\.[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]*|[+-]?\d[\w.+-]*|:=|[.|(),=]|\s+/y;

/** What is wrong, or undefined. */
export function checkGoTemplate(actions: readonly string[]): string | undefined {
  const variables = new Set(['$', '$labels', '$value', '$externalLabels', '$externalURL']);
  let open = 0;
  for (const action of actions) {
    if (action.startsWith('/*')) continue;
    if (action === '') return 'missing value for command';
    const tokens = tokensOf(action);
    if (tokens === undefined) return `unexpected character in ${JSON.stringify(action)}`;
    const fault = checkNames(tokens, variables) ?? checkParentheses(tokens);
    if (fault !== undefined) return fault;
    if (OPENING.has(tokens[0] as string)) open++;
    if (tokens[0] === 'end') open--;
    if (open < 0) return 'unexpected {{end}}';
  }
  return open > 0 ? 'unexpected end of the text: an {{end}} is missing' : undefined;
}

function tokensOf(action: string): readonly string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < action.length) {
    const token = TOKEN.exec(action)?.[0];
    if (token === undefined) return undefined;
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens;
}

function checkNames(tokens: readonly string[], variables: Set<string>): string | undefined {
  const declares = tokens.includes(':=');
  for (const token of tokens) {
    if (token.startsWith('$')) {
      if (declares) variables.add(token);
      else if (!variables.has(token)) return `undefined variable ${JSON.stringify(token)}`;
    }
    if (/^[A-Za-z_]/.test(token) && !KEYWORDS.has(token) && !FUNCTIONS.has(token)) {
      return `function ${JSON.stringify(token)} not defined`;
    }
  }
  return undefined;
}

function checkParentheses(tokens: readonly string[]): string | undefined {
  let depth = 0;
  for (const token of tokens) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (depth < 0) return 'unexpected right parenthesis';
  }
  return depth > 0 ? 'unclosed left parenthesis' : undefined;
}
