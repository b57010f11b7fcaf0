import { equalsAny, isAtMost, isLess } from './compare.ts';
import { escapeHtml } from './html-text.ts';
import { formatted, scalarText, sprint, sprintln } from './print.ts';
import { sprintf } from './printf.ts';
import { entriesOf, type FunctionMap, GoFunction, type GoValue, isTrue, itemsOf, lookUp, typeName } from './value.ts';

// The functions that every Go template has. `and` and `or` are here for their names only: they stop at the value that
// decides, which the interpreter sees to.

export const BUILTINS: FunctionMap = {
  and: new GoFunction(['any'], (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1), 'any'),
  or: new GoFunction(['any'], (args) => args.find(isTrue) ?? args.at(-1), 'any'),
  not: new GoFunction(['any'], ([value]) => !isTrue(value)),
  eq: new GoFunction(['any'], ([first, ...others]) => equalsAny(first, others), 'any'),
  ne: new GoFunction(['any', 'any'], ([a, b]) => !equalsAny(a, [b])),
  lt: new GoFunction(['any', 'any'], ([a, b]) => isLess(a, b)),
  le: new GoFunction(['any', 'any'], ([a, b]) => isAtMost(a, b)),
  gt: new GoFunction(['any', 'any'], ([a, b]) => !isAtMost(a, b)),
  ge: new GoFunction(['any', 'any'], ([a, b]) => !isLess(a, b)),
  len: new GoFunction(['any'], ([value]) => lengthOf(value)),
  index: new GoFunction(['any'], ([value, ...at]) => at.reduce(indexed, value), 'any'),
  slice: new GoFunction(['any'], ([value, ...bounds]) => sliced(value, bounds), 'any'),
  print: new GoFunction([], sprint, 'any'),
  printf: new GoFunction(['string'], ([format, ...args], spend) => sprintf(format as string, args, spend), 'any'),
  println: new GoFunction([], sprintln, 'any'),
  html: new GoFunction([], (args) => escapeHtml(joined(args)), 'any'),
  js: new GoFunction([], (args) => escapeJs(joined(args)), 'any'),
  urlquery: new GoFunction([], (args) => queryEscape(joined(args)), 'any'),
  call: new GoFunction(
    ['any'],
    ([called, ...args], spend) => {
      if (!(called instanceof GoFunction)) throw new Error(`non-function of type ${typeName(called)}`);
      if (args.length < called.params.length || (called.rest === undefined && args.length > called.params.length)) {
        throw new Error(`wrong number of args: got ${args.length} want ${called.params.length}`);
      }
      return called.call(args, spend);
    },
    'any',
  ),
};

function joined(args: readonly GoValue[]): string {
  return args.length === 1 ? formatted(args[0], scalarText) : sprint(args);
}

/** Of a text: its bytes, as in Go. */
function lengthOf(value: GoValue): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  const size = itemsOf(value)?.length ?? entriesOf(value)?.size;
  if (size === undefined) {
    throw new Error(value === undefined ? 'len of nil pointer' : `len of type ${typeName(value)}`);
  }
  return BigInt(size);
}

function indexed(value: GoValue, at: GoValue): GoValue {
  const entries = entriesOf(value);
  if (entries) {
    if (typeof at !== 'string') throw new Error(`value has type ${typeName(at)}; should be string`);
    return lookUp(value, entries, at);
  }
  const items = typeof value === 'string' ? Buffer.from(value) : itemsOf(value);
  if (items === undefined) {
    throw new Error(value === undefined ? 'index of untyped nil' : `can't index item of type ${typeName(value)}`);
  }
  if (typeof at !== 'bigint') throw new Error(`cannot index slice/array with type ${typeName(at)}`);
  const item = at >= 0n ? items[Number(at)] : undefined;
  if (at < 0n || at >= BigInt(items.length)) throw new Error(`index out of range: ${at}`);
  return typeof value === 'string' ? BigInt(item as number) : item;
}

function sliced(value: GoValue, bounds: readonly GoValue[]): GoValue {
  const items = typeof value === 'string' ? Buffer.from(value) : itemsOf(value);
  if (items === undefined) {
    throw new Error(value === undefined ? 'slice of untyped nil' : `can't slice item of type ${typeName(value)}`);
  }
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`);
  if (bounds.length === 3 && typeof value === 'string') throw new Error('cannot 3-index slice a string');
  const [from, to] = [0, items.length].map((otherwise, i) => {
    const bound = bounds[i];
    if (i >= bounds.length) return otherwise;
    if (typeof bound !== 'bigint') throw new Error(`cannot index slice/array with type ${typeName(bound)}`);
    if (bound < 0n || bound > BigInt(items.length)) throw new Error(`index out of range: ${bound}`);
    return Number(bound);
  }) as [number, number];
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  return typeof value === 'string' ? Buffer.from(value).toString('utf8', from, to) : itemsOf(value)?.slice(from, to);
}

const JS_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

/** Go's template.JSEscapeString. */
export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\p{Cc}]/gu, (character) => {
    const point = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return JS_ESCAPES[character] ?? `\\u${point}`;
  });
}

/** Go's url.QueryEscape. */
export function queryEscape(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}
