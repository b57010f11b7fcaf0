import { printed } from './print.ts';
import type { GoValue } from './value.ts';

/** Where a template's result goes: what stands in it as it is, and what its actions are worth. */
export interface Writer {
  /** Characters so far. */
  readonly length: number;
  text(piece: string): void;
  value(value: GoValue): void;
  result(): string;
  /** An empty one of the same sort, for a template whose result is a value (`tmpl`). */
  fresh(): Writer;
  /** The result as a value that this sort of writer takes as it is. */
  asValue(): GoValue;
}

/** Everything as it is. */
export class TextWriter implements Writer {
  #out = '';

  get length(): number {
    return this.#out.length;
  }

  text(piece: string): void {
    this.#out += piece;
  }

  value(value: GoValue): void {
    this.#out += printed(value);
  }

  result(): string {
    return this.#out;
  }

  fresh(): Writer {
    return new TextWriter();
  }

  asValue(): GoValue {
    return this.#out;
  }
}
