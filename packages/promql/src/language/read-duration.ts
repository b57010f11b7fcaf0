import type { SyntaxNode } from '@lezer/common';
import { must } from '@tidemark/base';
import type { Duration } from './ast.ts';
import { syntaxError } from './errors.ts';
import { numberOf } from './literal.ts';
import { childrenOfNode, positionOf, textOf } from './node.ts';
import { DEPTH_MAX, tooDeep } from './precedence.ts';

// Lengths of time: `5m`, `300`, `-1h`, `5m * 2`, `step() + 1m`, `max_of(step(), 1m)`. The grammar's precedence is right here.

export function readDuration(text: string, node: SyntaxNode, depth = 0): Duration {
  if (depth > DEPTH_MAX) throw tooDeep(text, positionOf(node));
  const children = childrenOfNode(node);
  const first = children[0];
  if (first === undefined || node.name === 'NumberDurationLiteralInDurationContext') return readSeconds(text, node);
  const below = (child: SyntaxNode | undefined) => readDuration(text, must(child), depth + 1);
  switch (first.name) {
    case 'UnaryOp':
      return { kind: 'sign', operator: textOf(text, first) === '-' ? '-' : '+', operand: below(children[1]) };
    case 'DurationStep':
      return { kind: 'step' };
    case 'DurationRange':
      return { kind: 'range' };
    case 'DurationMinOf':
    case 'DurationMaxOf': {
      const operator = first.name === 'DurationMinOf' ? 'min_of' : 'max_of';
      return { kind: 'bound', operator, left: below(children[1]), right: below(children[2]) };
    }
    case 'NumberDurationLiteralInDurationContext':
      return readSeconds(text, first);
    default: {
      if (children.length === 1) return { kind: 'paren', inner: below(first) };
      const operator = textOf(text, must(children[1])) as '+' | '-' | '*' | '/' | '%' | '^';
      return { kind: 'arithmetic', operator, left: below(first), right: below(children[2]) };
    }
  }
}

function readSeconds(text: string, node: SyntaxNode): Duration {
  const written = textOf(text, node);
  const seconds = numberOf(written);
  if (seconds === undefined || !Number.isFinite(seconds) || seconds > 9_223_372_036) {
    throw syntaxError(text, positionOf(node), `duration out of range: ${JSON.stringify(written)}`);
  }
  return { kind: 'seconds', seconds, text: written };
}
