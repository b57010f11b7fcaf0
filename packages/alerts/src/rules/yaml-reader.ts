import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { nearestKey } from './nearest-key.ts';

// Reads YAML into exact shapes and keeps where everything stood, so that every complaint names `file:line`. What is wrong is
// collected, not thrown: a person mending a file wants all of it at once.

export interface Complaint {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface YamlField {
  readonly key: string;
  readonly keyNode: Node;
  readonly value: Node | null;
}

// `<<` may lead to maps that have `<<` themselves; nobody means more, and a map that leads to itself has no end.
const MERGE_DEPTH_MAX = 8;

export class YamlReader {
  readonly complaints: Complaint[] = [];
  readonly root: Node | null;
  /** How many documents the text has; only the first is read. */
  readonly documents: number;
  readonly #lines = new LineCounter();
  readonly #document: Document | undefined;

  constructor(text: string) {
    const documents = parseAllDocuments(text, { lineCounter: this.#lines, merge: true });
    const list = Array.isArray(documents) ? documents : [];
    this.documents = list.length;
    this.#document = list[0];
    this.root = (this.#document?.contents ?? null) as Node | null;
    for (const error of this.#document?.errors ?? []) {
      this.complaints.push({ line: this.#lineAt(error.pos[0]), message: error.message.split('\n')[0] as string });
    }
  }

  lineOf(node: Node | null | undefined): number {
    return this.#lineAt(node?.range?.[0] ?? 0);
  }

  complain(node: Node | null | undefined, message: string): void {
    this.complaints.push({ line: this.lineOf(node), message });
  }

  /** The fields of a map, merged ones included; undefined (with a complaint) when it is none. An empty value is an empty map. */
  fields(node: Node | null, what: string, known?: readonly string[]): readonly YamlField[] | undefined {
    const map = this.#resolve(node);
    if (isEmpty(map)) return [];
    if (!isMap(map)) {
      this.complain(node, `${what} must be a map of names and values`);
      return undefined;
    }
    const fields = new Map<string, YamlField>();
    this.#collect(map, fields, 0);
    if (known) for (const field of fields.values()) this.#checkKnown(field, what, known);
    return [...fields.values()];
  }

  /** The items of a list; undefined (with a complaint) when it is none. An empty value is an empty list. */
  items(node: Node | null, what: string): readonly (Node | null)[] | undefined {
    const list = this.#resolve(node);
    if (isEmpty(list)) return [];
    if (isSeq(list)) return list.items as (Node | null)[];
    this.complain(node, `${what} must be a list`);
    return undefined;
  }

  /** The text of a scalar as it was written (`1` is "1"); '' for an empty one; undefined (with a complaint) for others. */
  text(node: Node | null, what: string): string | undefined {
    const scalar = this.#resolve(node);
    if (isEmpty(scalar)) return '';
    if (isScalar(scalar)) return textOf(scalar);
    this.complain(node, `${what} must be text`);
    return undefined;
  }

  #collect(map: YAMLMap, fields: Map<string, YamlField>, depth: number): void {
    // Own fields win over merged ones, and stand first.
    const merged: Node[] = [];
    for (const { key, value } of map.items) {
      const keyNode = key as Node;
      const name = isScalar(keyNode) ? textOf(keyNode) : undefined;
      if (name === undefined) this.complain(keyNode, 'a name must be plain text');
      else if (name === '<<') merged.push(value as Node);
      else if (!fields.has(name)) fields.set(name, { key: name, keyNode, value: value as Node | null });
    }
    for (const source of merged) this.#collectMerged(source, fields, depth + 1);
  }

  #collectMerged(source: Node, fields: Map<string, YamlField>, depth: number): void {
    const resolved = this.#resolve(source);
    if (depth > MERGE_DEPTH_MAX) {
      this.complain(source, '<< leads too deep');
    } else if (isMap(resolved)) {
      this.#collect(resolved, fields, depth);
    } else if (isSeq(resolved)) {
      for (const item of resolved.items) this.#collectMerged(item as Node, fields, depth + 1);
    } else {
      this.complain(source, '<< must name a map');
    }
  }

  #checkKnown({ key, keyNode }: YamlField, what: string, known: readonly string[]): void {
    if (known.includes(key)) return;
    const nearest = nearestKey(key, known);
    const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${JSON.stringify(nearest)}?`;
    this.complain(keyNode, `${what} has no field ${JSON.stringify(key)}; ${hint}`);
  }

  #resolve(node: Node | null): Node | null {
    if (!isAlias(node)) return node;
    const found = this.#document && node.resolve(this.#document);
    if (found) return found;
    this.complain(node, `nothing is anchored as ${JSON.stringify(node.source)}`);
    return null;
  }

  #lineAt(offset: number): number {
    return this.#lines.linePos(offset).line;
  }
}

function isEmpty(node: Node | null): node is null {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function textOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}
