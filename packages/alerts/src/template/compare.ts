import { printed } from './print.ts';
import { GoNamed, type GoValue, typeName } from './value.ts';

// eq, ne, lt, le, gt, ge as Go's templates have them: only values of one kind compare; 1 and 1.0 do not.

type Kind = 'bool' | 'int' | 'float' | 'string' | undefined;

/** Whether the first is equal to any of the others. Throws what Go says. */
export function equalsAny(first: GoValue, others: readonly GoValue[]): boolean {
  if (others.length === 0) throw new Error('missing argument for comparison');
  return others.some((other) => equal(first, other));
}

function equal(a: GoValue, b: GoValue): boolean {
  const [left, right] = [plain(a), plain(b)];
  if (left === undefined || right === undefined) return left === right;
  const [kindA, kindB] = [kindOf(left), kindOf(right)];
  const odd = kindA === undefined ? left : right;
  if (kindA === undefined || kindB === undefined) {
    throw new Error(`non-comparable type ${printed(odd)}: ${typeName(odd)}`);
  }
  if (kindA !== kindB) throw incompatible(a, b);
  return left === right;
}

export function isLess(a: GoValue, b: GoValue): boolean {
  const [left, right] = [plain(a), plain(b)];
  const [kindA, kindB] = [kindOf(left), kindOf(right)];
  if (kindA === undefined || kindB === undefined) throw new Error('invalid type for comparison');
  if (kindA !== kindB) throw incompatible(a, b);
  if (kindA === 'bool') throw new Error('invalid type for comparison');
  if (kindA === 'string') return Buffer.compare(Buffer.from(left as string), Buffer.from(right as string)) < 0;
  return (left as number) < (right as number);
}

/** `<=` as Go has it: less or equal, so that NaN is neither. */
export function isAtMost(a: GoValue, b: GoValue): boolean {
  return isLess(a, b) || equal(a, b);
}

function incompatible(a: GoValue, b: GoValue): Error {
  return new Error(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}

/** Texts with a type of their own compare as texts. */
function plain(value: GoValue): GoValue {
  return value instanceof GoNamed && value.text && !value.fields ? value.text() : value;
}

function kindOf(value: GoValue): Kind {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'string':
      return 'string';
    default:
      return undefined;
  }
}
