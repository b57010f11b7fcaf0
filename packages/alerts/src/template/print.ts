import { goFloat } from './go-float.ts';
import { entriesOf, GoFunction, GoNamed, type GoValue, itemsOf, sortedKeys } from './value.ts';

// Values as Go's fmt prints them with %v: `[a b]`, `map[k:v]`, `{x y}`.

// Deeper values are no alert's; a value that holds itself has no end.
const DEPTH_MAX = 20;

/** As `{{ . }}` prints it. */
export function printed(value: GoValue): string {
  return value === undefined ? '<no value>' : formatted(value, scalarText);
}

/** `each` prints what is neither list, map nor struct. */
export function formatted(value: GoValue, each: (value: GoValue) => string, depth = 0): string {
  if (value instanceof GoNamed && value.text) return each(value);
  const inner = (item: GoValue) => (depth < DEPTH_MAX ? formatted(item, each, depth + 1) : '...');
  const items = itemsOf(value);
  if (items) return `[${items.map(inner).join(' ')}]`;
  const entries = entriesOf(value);
  if (entries)
    return `map[${sortedKeys(entries)
      .map((key) => `${key}:${inner(entries.get(key))}`)
      .join(' ')}]`;
  if (value instanceof GoNamed && value.fields) return `{${[...value.fields.values()].map(inner).join(' ')}}`;
  return each(value);
}

export function scalarText(value: GoValue): string {
  switch (typeof value) {
    case 'undefined':
      return '<nil>';
    case 'number':
      return goFloat(value);
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      if (value instanceof GoNamed) return value.text?.() ?? '{}';
      return value instanceof GoFunction ? '0x1' : String(value);
  }
}

/** fmt.Sprint: a space between two of which neither is a text. */
export function sprint(values: readonly GoValue[]): string {
  let out = '';
  values.forEach((value, i) => {
    if (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string') out += ' ';
    out += formatted(value, scalarText);
  });
  return out;
}

/** fmt.Sprintln: a space between all of them. */
export function sprintln(values: readonly GoValue[]): string {
  return `${values.map((value) => formatted(value, scalarText)).join(' ')}\n`;
}
