// What a template computes with: Go's kinds as far as templates meet them.
//
//   nil          undefined          slice        array, or a GoNamed with items
//   bool         boolean            map          Map by text, or a GoNamed with entries
//   int          bigint             struct       GoNamed with fields
//   float64      number             function     GoFunction
//   string       string
//
// Whole numbers are bigint, so that `{{ 1 }}` and `{{ 1.0 }}` stay as different as they are in Go.

export type GoValue =
  | undefined
  | boolean
  | string
  | bigint
  | number
  | readonly GoValue[]
  | ReadonlyMap<string, GoValue>
  | GoNamed
  | GoFunction;

/** A struct, or a slice, map or text with a type name and methods of its own. */
export class GoNamed {
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, GoValue> | undefined;
  readonly methods: Readonly<Record<string, GoFunction>>;
  readonly items: readonly GoValue[] | undefined;
  readonly entries: ReadonlyMap<string, GoValue> | undefined;
  /** What a key that a map has not leads to; Go's zero of the element type. */
  readonly zero: GoValue;
  /** As `{{ . }}` prints it; undefined: as Go prints its kind. */
  readonly text: (() => string) | undefined;

  constructor(typeName: string, shape: GoShape) {
    this.typeName = typeName;
    this.fields = shape.fields && new Map(Object.entries(shape.fields));
    this.methods = shape.methods ?? {};
    this.items = shape.items;
    this.entries = shape.entries;
    this.zero = shape.zero;
    this.text = shape.text;
  }
}

export interface GoShape {
  readonly fields?: Readonly<Record<string, GoValue>>;
  readonly methods?: Readonly<Record<string, GoFunction>>;
  readonly items?: readonly GoValue[];
  readonly entries?: ReadonlyMap<string, GoValue>;
  readonly zero?: GoValue;
  readonly text?: () => string;
}

/** `any`, a kind, `[]string`, or the type name of a GoNamed. */
export type GoKind = 'any' | 'bool' | 'string' | 'int' | 'float64' | '[]string' | (string & {});

/** What a function may still spend; see limits.ts. */
export interface Allowance {
  /** Throws when a text of so many characters is more than a template may make. */
  text(length: number): void;
  step(count?: number): void;
  /** Characters of the longest text. */
  readonly textMax: number;
}

export class GoFunction {
  readonly params: readonly GoKind[];
  /** The kind of any number of further arguments; undefined: there are none. */
  readonly rest: GoKind | undefined;
  /** Gets what `params` say. An Error's message is shown as `error calling <name>: <message>`. */
  readonly call: (args: readonly GoValue[], allowance: Allowance) => GoValue;

  constructor(params: readonly GoKind[], call: GoFunction['call'], rest?: GoKind) {
    this.params = params;
    this.call = call;
    this.rest = rest;
  }

  paramAt(index: number): GoKind | undefined {
    return this.params[index] ?? this.rest;
  }
}

/** Functions by the name a template calls them by. */
export type FunctionMap = Readonly<Record<string, GoFunction>>;

/** The type `template.HTML`: text that is HTML already and goes through the escaping variant as it is. */
export function safeHtml(html: string): GoNamed {
  return new GoNamed('template.HTML', { text: () => html });
}

export function itemsOf(value: GoValue): readonly GoValue[] | undefined {
  if (Array.isArray(value)) return value as readonly GoValue[];
  return value instanceof GoNamed ? value.items : undefined;
}

export function entriesOf(value: GoValue): ReadonlyMap<string, GoValue> | undefined {
  if (value instanceof Map) return value as ReadonlyMap<string, GoValue>;
  return value instanceof GoNamed ? value.entries : undefined;
}

/** Of a map's value: a plain Map is a map[string]string. */
export function lookUp(map: GoValue, entries: ReadonlyMap<string, GoValue>, key: string): GoValue {
  if (entries.has(key)) return entries.get(key);
  return map instanceof GoNamed ? map.zero : '';
}

/** In the order of their bytes, as Go sorts the keys of a map it prints or ranges over. */
export function sortedKeys(entries: ReadonlyMap<string, GoValue>): readonly string[] {
  return [...entries.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** As `%T` and error messages name it. */
export function typeName(value: GoValue): string {
  switch (typeof value) {
    case 'undefined':
      return '<nil>';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float64';
    default:
      if (value instanceof GoNamed) return value.typeName;
      if (value instanceof GoFunction) return 'func';
      if (value instanceof Map) return 'map[string]string';
      return isTextList(value) ? '[]string' : '[]interface {}';
  }
}

export function isTextList(value: GoValue): boolean {
  return itemsOf(value)?.every((item) => typeof item === 'string') ?? false;
}

/** Go's notion of true: not zero, not empty. A struct always is. */
export function isTrue(value: GoValue): boolean {
  switch (typeof value) {
    case 'undefined':
      return false;
    case 'boolean':
      return value;
    case 'string':
      return value !== '';
    case 'bigint':
      return value !== 0n;
    case 'number':
      return value !== 0;
    default: {
      const size = itemsOf(value)?.length ?? entriesOf(value)?.size;
      if (size !== undefined) return size > 0;
      return value instanceof GoNamed && value.typeName === 'template.HTML' ? value.text?.() !== '' : true;
    }
  }
}

/** Whether a value may be given where `kind` is wanted. */
export function isKind(value: GoValue, kind: GoKind): boolean {
  if (kind === 'any') return true;
  if (kind === '[]string') return isTextList(value);
  return typeName(value) === kind;
}
