import { TidemarkError } from '@tidemark/base';
import type { Position } from './ast.ts';

// What can be wrong with the text of a query. Messages read as Prometheus writes them, `1:5: parse error: ...`, because
// people and clients search for them; the facts are in the details: line and column from 1, start and end in UTF-16 units.

export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

export function lineColumnOf(text: string, offset: number): LineColumn {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

function parseError(code: string, text: string, position: Position, message: string): TidemarkError {
  const { line, column } = lineColumnOf(text, position.start);
  return new TidemarkError(code, `${line}:${column}: parse error: ${message}`, {
    line,
    column,
    start: position.start,
    end: position.end,
  });
}

/** The text is no PromQL. */
export function syntaxError(text: string, position: Position, message: string): TidemarkError {
  return parseError('PROMQL_SYNTAX', text, position, message);
}

/** It is PromQL, but the pieces do not fit each other. */
export function typeError(text: string, position: Position, message: string): TidemarkError {
  return parseError('PROMQL_TYPE', text, position, message);
}

/** PromQL that this engine does not evaluate. Never a wrong number instead. */
export function unsupportedError(feature: string, text?: string, position?: Position): TidemarkError {
  const message = `${feature} is not supported yet`;
  if (text === undefined || position === undefined)
    return new TidemarkError('PROMQL_UNSUPPORTED', message, { feature });
  const { line, column } = lineColumnOf(text, position.start);
  return new TidemarkError('PROMQL_UNSUPPORTED', `${line}:${column}: ${message}`, {
    feature,
    line,
    column,
    start: position.start,
    end: position.end,
  });
}

/** The query is sound, the data it met is not what it can work on. */
export function executionError(message: string, position?: Position): TidemarkError {
  return new TidemarkError(
    'PROMQL_EXECUTION',
    message,
    position === undefined ? {} : { start: position.start, end: position.end },
  );
}
