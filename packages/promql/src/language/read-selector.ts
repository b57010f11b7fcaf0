import type { SyntaxNode } from '@lezer/common';
import { isTidemarkError, must } from '@tidemark/base';
import { type Matcher, type MatchType, METRIC_NAME, matcher } from '@tidemark/model';
import type { VectorSelector } from './ast.ts';
import { syntaxError } from './errors.ts';
import { unquote } from './literal.ts';
import { childNamed, childrenOfNode, positionOf, textOf } from './node.ts';

// `name{a="b", "quoted name"=~"c.*"}`, `{"name", ...}`, and lists of label names.

export function readVectorSelector(text: string, node: SyntaxNode): VectorSelector {
  const position = positionOf(node);
  const identifier = childNamed(node, 'Identifier');
  let name = identifier && textOf(text, identifier);
  const matchers: Matcher[] = [];
  const list = childNamed(node, 'LabelMatchers');
  for (const child of list ? childrenOfNode(list) : []) {
    if (child.name === 'QuotedLabelName') {
      const quoted = readString(text, must(child.firstChild));
      if (name !== undefined) {
        throw syntaxError(
          text,
          positionOf(child),
          `metric name must not be set twice: ${JSON.stringify(name)} or ${JSON.stringify(quoted)}`,
        );
      }
      name = quoted;
      matchers.push(matcher('=', METRIC_NAME, quoted));
    } else {
      matchers.push(readMatcher(text, child));
    }
  }
  if (name !== undefined) {
    const named = matchers.filter((m) => m.name === METRIC_NAME);
    const again = identifier ? named[0] : named[1];
    if (again) {
      throw syntaxError(
        text,
        position,
        `metric name must not be set twice: ${JSON.stringify(name)} or ${JSON.stringify(again.value)}`,
      );
    }
    if (identifier) matchers.push(matcher('=', METRIC_NAME, name));
  }
  return { kind: 'vectorSelector', name, matchers, offset: undefined, at: undefined, position };
}

function readMatcher(text: string, node: SyntaxNode): Matcher {
  const [nameNode, operator, value] = childrenOfNode(node);
  const nameText = must(nameNode);
  const name =
    nameText.name === 'QuotedLabelName' ? readString(text, must(nameText.firstChild)) : textOf(text, nameText);
  try {
    return matcher(textOf(text, must(operator)) as MatchType, name, readString(text, must(value)));
  } catch (error) {
    if (!isTidemarkError(error, 'MATCHER_REGEX_INVALID')) throw error;
    throw syntaxError(text, positionOf(node), error.message);
  }
}

export function readString(text: string, node: SyntaxNode): string {
  const value = unquote(textOf(text, node));
  if (value === undefined) throw syntaxError(text, positionOf(node), 'unterminated or malformed quoted string');
  return value;
}

/** The names in `(a, "b c", d)`. */
export function readLabelNames(text: string, node: SyntaxNode): string[] {
  return childrenOfNode(node).map((child) => {
    const name = child.name === 'QuotedLabelName' ? readString(text, must(child.firstChild)) : textOf(text, child);
    if (name === '' || !name.isWellFormed()) {
      throw syntaxError(text, positionOf(child), `invalid label name for grouping: ${JSON.stringify(name)}`);
    }
    return name;
  });
}
