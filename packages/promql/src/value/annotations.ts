import type { Position } from '../language/ast.ts';
import { lineColumnOf } from '../language/errors.ts';

// What a query wants to say beside its answer: warnings (the answer may be wrong) and infos (it may be not what you meant).
// Written as Prometheus writes them, with the place they are about: `PromQL info: ... (1:6)`. Each is said once.

/** Different texts kept of each kind; the rest are counted in one closing line. */
export const ANNOTATIONS_MAX = 50;

export class Annotations {
  readonly #text: string;
  readonly #warnings = new Map<string, true>();
  readonly #infos = new Map<string, true>();
  #dropped = 0;

  constructor(text: string) {
    this.#text = text;
  }

  warn(message: string, position: Position): void {
    this.#add(this.#warnings, `PromQL warning: ${message}${this.#place(position)}`);
  }

  info(message: string, position: Position): void {
    this.#add(this.#infos, `PromQL info: ${message}${this.#place(position)}`);
  }

  /** A warning of the source: it has no place in the text. */
  source(message: string): void {
    this.#add(this.#warnings, message);
  }

  get warnings(): readonly string[] {
    const list = [...this.#warnings.keys()];
    return this.#dropped === 0 ? list : [...list, `${this.#dropped} more annotations omitted`];
  }

  get infos(): readonly string[] {
    return [...this.#infos.keys()];
  }

  #place(position: Position): string {
    const { line, column } = lineColumnOf(this.#text, position.start);
    return ` (${line}:${column})`;
  }

  #add(list: Map<string, true>, text: string): void {
    if (list.has(text)) return;
    if (list.size < ANNOTATIONS_MAX) list.set(text, true);
    else this.#dropped++;
  }
}
