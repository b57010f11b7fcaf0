import { isTidemarkError, messageOf } from '@tidemark/base';
import { parseDuration } from '@tidemark/model';
import type { Node } from 'yaml';
import type { YamlReader } from '../../rules/yaml-reader.ts';

// What a map in a configuration file may hold, as data: field -> kind. Reading collects complaints; a field that is wrong is
// left out of what is returned, and nobody gets to see it because a file with complaints is refused.

export type FieldKind =
  | 'text'
  | 'bool'
  | 'int'
  | 'number'
  | 'duration'
  | 'url'
  | 'texts'
  | 'textMap'
  /** Checked by whoever wants it. */
  | 'any'
  | { readonly map: Shape }
  | { readonly list: Shape };

export type Shape = Readonly<Record<string, FieldKind>>;

/** The values of a map that was read, by field; typed by whoever knows the shape. */
export class Fields {
  readonly node: Node | null;
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #nodes: ReadonlyMap<string, Node | null>;

  constructor(node: Node | null, values: ReadonlyMap<string, unknown>, nodes: ReadonlyMap<string, Node | null>) {
    this.node = node;
    this.#values = values;
    this.#nodes = nodes;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Where to point at: the field's value, or the map. */
  nodeOf(name: string): Node | null {
    return this.#nodes.get(name) ?? this.node;
  }

  /** '' when it is not given: Alertmanager makes no difference. */
  text(name: string): string {
    return (this.#values.get(name) as string | undefined) ?? '';
  }

  number(name: string): number | undefined {
    return this.#values.get(name) as number | undefined;
  }

  bool(name: string): boolean | undefined {
    return this.#values.get(name) as boolean | undefined;
  }

  texts(name: string): readonly string[] {
    return (this.#values.get(name) as readonly string[] | undefined) ?? [];
  }

  map(name: string): ReadonlyMap<string, string> {
    return (this.#values.get(name) as ReadonlyMap<string, string> | undefined) ?? new Map();
  }

  fields(name: string): Fields | undefined {
    return this.#values.get(name) as Fields | undefined;
  }

  list(name: string): readonly Fields[] {
    return (this.#values.get(name) as readonly Fields[] | undefined) ?? [];
  }
}

/** Reads `node` as a map of `shape`; complains and returns undefined when it is none. */
export function readShape(reader: YamlReader, node: Node | null, what: string, shape: Shape): Fields | undefined {
  const found = reader.fields(node, what, Object.keys(shape));
  if (!found) return undefined;
  const values = new Map<string, unknown>();
  const nodes = new Map<string, Node | null>();
  for (const { key, keyNode, value } of found) {
    nodes.set(key, value ?? keyNode);
    const kind = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (kind === undefined) continue;
    const read = readField(reader, value, kind, key);
    if (read !== undefined) values.set(key, read);
  }
  return new Fields(node, values, nodes);
}

function readField(reader: YamlReader, node: Node | null, kind: FieldKind, what: string): unknown {
  if (typeof kind === 'object') {
    if ('map' in kind) return readShape(reader, node, what, kind.map);
    const items = reader.items(node, what);
    return items?.flatMap((item) => readShape(reader, item, `an item of ${what}`, kind.list) ?? []);
  }
  if (kind === 'any') return node;
  if (kind === 'texts')
    return reader.items(node, what)?.flatMap((item) => reader.text(item, `an item of ${what}`) ?? []);
  if (kind === 'textMap') return readTextMap(reader, node, what);
  const text = reader.text(node, what);
  // An empty value is the same as none.
  if (text === undefined || (text === '' && kind !== 'text')) return undefined;
  return readScalar(reader, node, kind, text, what);
}

function readTextMap(reader: YamlReader, node: Node | null, what: string): ReadonlyMap<string, string> | undefined {
  const fields = reader.fields(node, what);
  return fields && new Map(fields.map(({ key, value }) => [key, reader.text(value, `${what}.${key}`) ?? '']));
}

const BOOLS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  y: true,
  false: false,
  no: false,
  off: false,
  n: false,
};

function readScalar(reader: YamlReader, node: Node | null, kind: FieldKind, text: string, what: string): unknown {
  switch (kind) {
    case 'bool': {
      const value = Object.hasOwn(BOOLS, text.toLowerCase()) ? BOOLS[text.toLowerCase()] : undefined;
      if (value === undefined) reader.complain(node, `${what} must be true or false, not ${JSON.stringify(text)}`);
      return value;
    }
    case 'int':
    case 'number': {
      const value = Number(text);
      if (Number.isFinite(value) && (kind === 'number' || Number.isInteger(value))) return value;
      reader.complain(node, `${what} must be a ${kind === 'int' ? 'whole ' : ''}number, not ${JSON.stringify(text)}`);
      return undefined;
    }
    case 'duration':
      return tried(reader, node, what, () => parseDuration(text));
    case 'url':
      return readUrl(reader, node, text, what);
    default:
      return text;
  }
}

/** http or https with a host. The text itself is not repeated in the complaint: it may be a secret. */
function readUrl(reader: YamlReader, node: Node | null, text: string, what: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && /^https?:\/\/[^/]/i.test(text)) return text;
  // What an export of a running configuration shows in its place.
  if (/^(https?:\/\/)?<secret>$/i.test(text)) return text;
  reader.complain(node, `${what} must be a URL that begins with http:// or https:// and has a host`);
  return undefined;
}

/** What `read` returns; a TidemarkError becomes a complaint. */
export function tried<T>(reader: YamlReader, node: Node | null, what: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    reader.complain(node, `${what}: ${messageOf(error)}`);
    return undefined;
  }
}
