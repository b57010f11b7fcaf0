import type { SyntaxNode } from '@lezer/common';
import { assert, must } from '@tidemark/base';
import type { AggregateOperator, At, BinaryOperator, Expr, Matching } from './ast.ts';
import { syntaxError, typeError } from './errors.ts';
import { numberOf, unquote } from './literal.ts';
import { applyAt, applyExtension, applyOffset, applyRange, applySubquery } from './modifier.ts';
import { childNamed, childrenOfNode, positionOf, textOf } from './node.ts';
import { climb, DEPTH_MAX, type Item, tooDeep } from './precedence.ts';
import { readDuration } from './read-duration.ts';
import { readLabelNames, readVectorSelector } from './read-selector.ts';

// lezer's syntax tree to ours. Requires a tree without error nodes.

export const EXPRESSION_NAMES: ReadonlySet<string> = new Set([
  'AggregateExpr',
  'BinaryExpr',
  'FunctionCall',
  'MatrixSelector',
  'NumberDurationLiteral',
  'OffsetExpr',
  'AnchoredExpr',
  'SmoothedExpr',
  'ParenExpr',
  'StringLiteral',
  'SubqueryExpr',
  'UnaryExpr',
  'VectorSelector',
  'StepInvariantExpr',
]);

export function readExpression(text: string, node: SyntaxNode, depth = 0): Expr {
  const items: Item[] = [];
  flatten(text, node, items, depth);
  return climb(text, items);
}

/** Appends what `node` is made of, in the order it is written. */
function flatten(text: string, node: SyntaxNode, items: Item[], depth: number): void {
  if (depth > DEPTH_MAX) throw tooDeep(text, positionOf(node));
  const children = childrenOfNode(node);
  switch (node.name) {
    case 'BinaryExpr': {
      flatten(text, must(children[0]), items, depth + 1);
      items.push(readOperator(text, children));
      flatten(text, must(children[children.length - 1]), items, depth + 1);
      return;
    }
    case 'UnaryExpr': {
      const sign = must(children[0]);
      items.push({ kind: 'sign', operator: textOf(text, sign) === '-' ? '-' : '+', position: positionOf(sign) });
      flatten(text, must(children[1]), items, depth + 1);
      return;
    }
    case 'NumberDurationLiteral':
      readNumber(text, node, items);
      return;
    case 'OffsetExpr':
    case 'StepInvariantExpr':
    case 'MatrixSelector':
    case 'SubqueryExpr':
    case 'AnchoredExpr':
    case 'SmoothedExpr': {
      flatten(text, must(children[0]), items, depth + 1);
      const last = must(items.pop());
      assert(last.kind === 'operand', 'a modifier follows an operand');
      items.push({ kind: 'operand', expr: modified(text, node, children, last.expr) });
      return;
    }
    default:
      items.push({ kind: 'operand', expr: readOperand(text, node, children, depth) });
  }
}

function readOperand(text: string, node: SyntaxNode, children: SyntaxNode[], depth: number): Expr {
  const position = positionOf(node);
  switch (node.name) {
    case 'StringLiteral': {
      const value = unquote(textOf(text, node));
      if (value === undefined) throw syntaxError(text, position, 'unterminated or malformed quoted string');
      return { kind: 'string', value, position };
    }
    case 'ParenExpr':
      return { kind: 'paren', expr: readExpression(text, must(children[0]), depth + 1), position };
    case 'FunctionCall':
      return {
        kind: 'call',
        name: textOf(text, must(children[0])),
        args: readArguments(text, must(children[1]), depth),
        position,
      };
    case 'AggregateExpr':
      return readAggregate(text, node, depth);
    default:
      assert(node.name === 'VectorSelector', 'the grammar has no other expression');
      return readVectorSelector(text, node);
  }
}

function readNumber(text: string, node: SyntaxNode, items: Item[]): void {
  const written = textOf(text, node);
  const signed = /^([-+])\s*/.exec(written);
  let start = node.from;
  if (signed) {
    items.push({
      kind: 'sign',
      operator: signed[1] === '-' ? '-' : '+',
      position: { start: node.from, end: node.from + 1 },
    });
    start += signed[0].length;
  }
  const position = { start, end: node.to };
  const digits = text.slice(start, node.to);
  const value = numberOf(digits);
  if (value === undefined)
    throw syntaxError(text, position, `bad number or duration syntax: ${JSON.stringify(digits)}`);
  const duration = /\d(?:ms|[smhdwy])$/.test(digits) && !/^0[xX]/.test(digits);
  items.push({ kind: 'operand', expr: { kind: 'number', value, duration, position } });
}

/** Applies `offset`, `@`, `[range]` or `[range:step]` to the operand before it. */
function modified(text: string, node: SyntaxNode, children: SyntaxNode[], expr: Expr): Expr {
  const end = node.to;
  switch (node.name) {
    case 'OffsetExpr':
      return applyOffset(text, expr, readDuration(text, must(children[2])), end);
    case 'StepInvariantExpr':
      return applyAt(text, expr, readAt(text, must(children[2])), end);
    case 'AnchoredExpr':
      return applyExtension(text, expr, 'anchored', end);
    case 'SmoothedExpr':
      return applyExtension(text, expr, 'smoothed', end);
    case 'MatrixSelector':
      return applyRange(text, expr, readDuration(text, must(children[1])), end);
    default: {
      const step = children[2];
      return applySubquery(expr, readDuration(text, must(children[1])), step && readDuration(text, step), end);
    }
  }
}

function readAt(text: string, node: SyntaxNode): At {
  if (node.name === 'AtModifierPreprocessors')
    return { kind: must(node.firstChild).name === 'AtStart' ? 'start' : 'end' };
  const written = textOf(text, node).replace(/^([-+])\s*/, '$1');
  const magnitude = numberOf(written.replace(/^[-+]/, ''));
  if (magnitude === undefined || !Number.isFinite(magnitude) || magnitude >= 2 ** 53 / 1000) {
    throw syntaxError(text, positionOf(node), `timestamp out of bounds for @ modifier: ${written}`);
  }
  return { kind: 'time', ms: Math.round((written.startsWith('-') ? -magnitude : magnitude) * 1000) };
}

function readArguments(text: string, body: SyntaxNode, depth: number): Expr[] {
  return childrenOfNode(body)
    .filter((child) => EXPRESSION_NAMES.has(child.name))
    .map((child) => readExpression(text, child, depth + 1));
}

const WITH_PARAMETER: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);

function readAggregate(text: string, node: SyntaxNode, depth: number): Expr {
  const operator = textOf(text, must(childNamed(node, 'AggregateOp'))).toLowerCase() as AggregateOperator;
  const args = readArguments(text, must(childNamed(node, 'FunctionCallBody')), depth);
  const modifier = childNamed(node, 'AggregateModifier');
  const position = positionOf(node);
  const wanted = WITH_PARAMETER.has(operator) ? 2 : 1;
  if (args.length === 0) throw typeError(text, position, 'no arguments for aggregate expression provided');
  if (args.length !== wanted) {
    throw typeError(
      text,
      position,
      `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
    );
  }
  return {
    kind: 'aggregate',
    operator,
    expr: must(args[wanted - 1]),
    param: wanted === 2 ? args[0] : undefined,
    without: modifier !== undefined && childNamed(modifier, 'Without') !== undefined,
    grouping: modifier === undefined ? [] : readLabelNames(text, must(childNamed(modifier, 'GroupingLabels'))),
    position,
  };
}

function readOperator(text: string, children: SyntaxNode[]): Item {
  const node = must(children[1]);
  const operator = textOf(text, node).toLowerCase();
  const modifiers = children.slice(2, -1);
  return {
    kind: 'operator',
    operator: operator as BinaryOperator,
    bool: modifiers.some((child) => child.name === 'BoolModifier'),
    matching: readMatching(text, operator, modifiers),
    position: positionOf(node),
  };
}

function readMatching(text: string, operator: string, modifiers: SyntaxNode[]): Matching {
  const setOperator = operator === 'and' || operator === 'or' || operator === 'unless';
  let matching: Matching = {
    on: false,
    labels: [],
    card: setOperator ? 'many-to-many' : 'one-to-one',
    include: [],
    explicit: false,
    fillLeft: undefined,
    fillRight: undefined,
  };
  for (const modifier of modifiers) {
    if (modifier.name === 'MatchingModifierClause') {
      const [labels, include] = childrenOfNode(modifier).filter((child) => child.name === 'GroupingLabels');
      const left = childNamed(modifier, 'GroupLeft');
      const grouped = left ?? childNamed(modifier, 'GroupRight');
      if (grouped && setOperator) {
        throw typeError(text, positionOf(grouped), `no grouping allowed for ${JSON.stringify(operator)} operation`);
      }
      matching = {
        ...matching,
        explicit: true,
        on: childNamed(modifier, 'On') !== undefined,
        labels: readLabelNames(text, must(labels)),
        include: include ? readLabelNames(text, include) : [],
        card: grouped ? (left ? 'many-to-one' : 'one-to-many') : matching.card,
      };
    } else if (modifier.name === 'FillModifier') {
      matching = { ...matching, ...readFill(text, modifier) };
    }
  }
  return matching;
}

function readFill(text: string, node: SyntaxNode): Pick<Matching, 'fillLeft' | 'fillRight'> {
  let fillLeft: number | undefined;
  let fillRight: number | undefined;
  for (const clause of childrenOfNode(node)) {
    const literal = must(childNamed(clause, 'NumberDurationLiteral'));
    const value = readExpression(text, literal);
    assert(value.kind === 'number', 'a fill value is a number');
    if (clause.name !== 'FillRightClause') fillLeft = value.value;
    if (clause.name !== 'FillLeftClause') fillRight = value.value;
  }
  return { fillLeft, fillRight };
}
