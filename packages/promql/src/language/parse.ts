import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { TidemarkError } from '@tidemark/base';
import type { Matcher } from '@tidemark/model';
import type { Expr } from './ast.ts';
import { syntaxError, typeError } from './errors.ts';
import { nestingOf } from './nesting.ts';
import { DEPTH_MAX, tooDeep } from './precedence.ts';
import { EXPRESSION_NAMES, readExpression } from './read-expression.ts';
import { checkTypes } from './types.ts';

// Text to tree, in three steps:
//
//   text ── lezer ──▶ syntax tree ── read-expression ──▶ Expr ── types ──▶ Expr, known to make sense
//             │                          │
//             └ first error node: what   └ precedence is decided here: the grammar lets `offset`, `@`, `[5m]` and signs
//               was met, and where         grab a whole binary expression (see precedence.ts)

/** Longest query text, UTF-16 units. The longest we have seen people generate are alternations of 10 to 20 thousand. */
export const EXPRESSION_LENGTH_MAX = 65_536;

/**
 * Parses and type-checks.
 *
 * Throws `PROMQL_SYNTAX`, `PROMQL_TYPE` (both `line:column: parse error: ...`, with line, column, start, end in the
 * details), `PROMQL_UNSUPPORTED`, `PROMQL_LIMIT`.
 */
export function parse(text: string): Expr {
  if (text.length > EXPRESSION_LENGTH_MAX) {
    throw new TidemarkError(
      'PROMQL_LIMIT',
      `the expression is ${text.length} characters long, more than ${EXPRESSION_LENGTH_MAX}`,
      { limit: EXPRESSION_LENGTH_MAX, actual: text.length },
    );
  }
  if (nestingOf(text) > DEPTH_MAX) throw tooDeep(text, { start: 0, end: text.length });
  const expr = readTree(text);
  checkTypes(text, expr);
  return expr;
}

/**
 * The matchers of a lone selector, `name{a="b"}`: what `match[]` parameters, federation and relabelling ask for.
 *
 * Throws as `parse` does, and `PROMQL_TYPE` for anything that is more than a selector.
 */
export function parseSelector(text: string): readonly Matcher[] {
  const expr = parse(text);
  if (expr.kind === 'vectorSelector' && expr.offset === undefined && expr.at === undefined) return expr.matchers;
  throw typeError(text, expr.position, 'expected a series selector and nothing else');
}

function readTree(text: string): Expr {
  try {
    const root = grammarTree(text);
    for (let child = root.firstChild; child; child = child.nextSibling) {
      if (EXPRESSION_NAMES.has(child.name)) return readExpression(text, child);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser's own recursion: nesting beyond its stack.
    throw syntaxError(text, { start: 0, end: text.length }, 'expression is nested too deeply');
  }
  throw syntaxError(text, { start: 0, end: text.length }, 'no expression found in input');
}

/** The grammar's tree of the text, without error nodes. */
function grammarTree(text: string): SyntaxNode {
  let shadow = shadowOf(text);
  for (;;) {
    const tree = parser.parse(shadow);
    const at = firstError(tree.cursor());
    if (at === undefined) return tree.topNode;
    const mended = withFunctionAt(shadow, at);
    // The grammar's own stack ends somewhere; the token there is innocent.
    if (mended === undefined) throw isDeep(tree) ? tooDeep(text, { start: 0, end: text.length }) : unexpected(text, at);
    shadow = mended;
  }
}

// The grammar is an editor's, and lacks some of what Prometheus reads. What it lacks is rewritten for it in place, at the
// same length, so that positions hold; numbers, names and strings are then read from the text as it was written.
//
//   step() range() min_of() max_of() in a duration, in any case      lower case
//   a number that ends in a dot: 2.                                  a space for the dot
//   min_of(a, b) and max_of(a, b) outside of durations               `minute`, of the same length
function shadowOf(text: string): string {
  return text
    .replace(/\b(?:step|range|min_of|max_of)(?=\s*\()/gi, (word) => word.toLowerCase())
    .replace(/(?<![\w.])(\d+)\.(?![\w.])/g, '$1 ');
}

/** When the fault is that `min_of` or `max_of` is no function to the grammar: the text with one that is, of six letters. */
function withFunctionAt(shadow: string, at: number): string | undefined {
  const before = /\b(?:min_of|max_of)\s*$/.exec(shadow.slice(0, at));
  const rest = shadow.slice(at).trimStart();
  if (!before || rest[0] !== '(') return undefined;
  return `${shadow.slice(0, before.index)}minute${shadow.slice(before.index + 'minute'.length)}`;
}

interface Cursor {
  readonly type: { readonly isError: boolean };
  readonly from: number;
  readonly to: number;
  next(): boolean;
}

function isDeep(tree: Tree): boolean {
  let depth = 0;
  let deepest = 0;
  tree.iterate({
    enter: () => {
      deepest = Math.max(deepest, ++depth);
    },
    leave: () => {
      depth--;
    },
  });
  return deepest > DEPTH_MAX;
}

function firstError(cursor: Cursor): number | undefined {
  do if (cursor.type.isError) return cursor.from;
  while (cursor.next());
  return undefined;
}

/** Names what stands at `from` (or behind the space there) and should not. */
function unexpected(text: string, from: number): TidemarkError {
  if (/^\s*(?:#.*\s*)*$/.test(text)) {
    return syntaxError(text, { start: 0, end: text.length }, 'no expression found in input');
  }
  const skipped = /^(?:\s+|#[^\n]*)*/.exec(text.slice(from))?.[0].length ?? 0;
  const start = from + skipped;
  const rest = text.slice(start);
  const call = /([a-zA-Z_:][a-zA-Z0-9_:]*)\s*$/.exec(text.slice(0, start));
  if (rest[0] === '(' && call) {
    const name = call[1] as string;
    const at = { start: call.index, end: call.index + name.length };
    return syntaxError(text, at, `unknown function with name ${JSON.stringify(name)}`);
  }
  if (rest === '') return syntaxError(text, { start, end: start }, 'unexpected end of input');
  const { length, what } = describeToken(rest);
  return syntaxError(text, { start, end: start + length }, `unexpected ${what}`);
}

const TOKENS: readonly (readonly [RegExp, string])[] = [
  [/^(?:by|without|on|ignoring|group_left|group_right|bool|offset)\b/i, 'keyword'],
  [/^[a-zA-Z_:][a-zA-Z0-9_:]*/, 'identifier'],
  [/^(?:\d|\.\d)[\w.]*/, 'number'],
  [/^(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)/, 'string'],
  [/^["'`][^\n]*/, 'unterminated quoted string'],
  [/^(?:==|!=|<=|>=|=~|!~|[-+*/%^<>])/, 'operator'],
  [/^[(){}[\],:=@]/, 'token'],
];

function describeToken(rest: string): { length: number; what: string } {
  for (const [shape, what] of TOKENS) {
    const found = shape.exec(rest)?.[0];
    if (found !== undefined) return { length: found.length, what: `${what} ${JSON.stringify(found.slice(0, 60))}` };
  }
  const character = String.fromCodePoint(rest.codePointAt(0) as number);
  return { length: character.length, what: `character: ${JSON.stringify(character)}` };
}
