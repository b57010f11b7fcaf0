import type { Duration } from './ast.ts';

// What a length of time comes to, in seconds. `step()` and `range()` are the query's own; they are undefined while only the
// text is known, and so is everything made of them.

export interface DurationScope {
  readonly stepSeconds: number;
  readonly rangeSeconds: number;
}

/** Seconds; undefined when it depends on a query that is not there. NaN or infinite after a division by zero. */
export function durationSeconds(duration: Duration, scope: DurationScope | undefined): number | undefined {
  switch (duration.kind) {
    case 'seconds':
      return duration.seconds;
    case 'step':
      return scope?.stepSeconds;
    case 'range':
      return scope?.rangeSeconds;
    case 'paren':
      return durationSeconds(duration.inner, scope);
    case 'sign': {
      const operand = durationSeconds(duration.operand, scope);
      return operand === undefined || duration.operator === '+' ? operand : -operand;
    }
    case 'bound': {
      const left = durationSeconds(duration.left, scope);
      const right = durationSeconds(duration.right, scope);
      if (left === undefined || right === undefined) return undefined;
      return duration.operator === 'min_of' ? Math.min(left, right) : Math.max(left, right);
    }
    case 'arithmetic': {
      const left = durationSeconds(duration.left, scope);
      const right = durationSeconds(duration.right, scope);
      return left === undefined || right === undefined ? undefined : combine(duration.operator, left, right);
    }
  }
}

function combine(operator: '+' | '-' | '*' | '/' | '%' | '^', left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return left ** right;
  }
}
