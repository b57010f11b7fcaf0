import { BUILTINS } from './builtins.ts';
import { execute } from './execute.ts';
import { HtmlWriter } from './html-writer.ts';
import { TEMPLATE_LIMITS, type TemplateLimits } from './limits.ts';
import type { Tree } from './node.ts';
import { parse } from './parse.ts';
import type { FunctionMap, GoValue } from './value.ts';
import { TextWriter, type Writer } from './writer.ts';

// Templates that know one another, as Go's text/template and html/template have them.
//
//   files with {{ define }} --parse--> a set by name --text(...) or html(...)--> a text of its own, which may call them
//
// Data and functions are Go values (value.ts). `missingkey=zero` as in Prometheus and Alertmanager: a label that is not there
// is empty.

export interface TemplateSource {
  /** A file's path: what messages name, and what `{{ template }}` may call its own text by. */
  readonly name: string;
  readonly text: string;
}

export interface TemplateSetOptions {
  /** Beside Go's own (and, eq, printf, ...). */
  readonly functions: FunctionMap;
  readonly limits?: TemplateLimits;
}

// Texts of receivers and rules: few, and always the same ones.
const PARSED_MAX = 1000;

export class TemplateSet {
  readonly #functions: FunctionMap;
  readonly #limits: TemplateLimits;
  readonly #trees = new Map<string, Tree>();
  readonly #parsed = new Map<string, ReadonlyMap<string, Tree>>();
  readonly #merged = new WeakMap<FunctionMap, FunctionMap>();

  /** Later definitions replace earlier ones of their name, unless they are empty. Throws `TEMPLATE_INVALID`, naming the line. */
  constructor(sources: readonly TemplateSource[], options: TemplateSetOptions) {
    this.#functions = { ...BUILTINS, ...options.functions };
    this.#limits = options.limits ?? TEMPLATE_LIMITS;
    for (const { name, text } of sources) for (const tree of this.#parse(name, text)) define(this.#trees, tree);
  }

  /** Whether `{{ template "name" . }}` finds something. */
  has(name: string): boolean {
    return this.#trees.has(name);
  }

  /** Throws `TEMPLATE_INVALID` when the text is no template. Templates it calls are looked for only when it runs. */
  check(text: string, name = ''): void {
    this.#parse(name, text);
  }

  /**
   * What a text makes of the data. `functions` stand in for those the set was made with. Throws `TEMPLATE_INVALID`,
   * `TEMPLATE_FAILED`, both in Go's words, and whatever `Interruption` a function threw.
   */
  text(
    text: string,
    data: GoValue,
    options: { readonly name?: string; readonly functions?: FunctionMap } = {},
  ): string {
    return text.includes('{{') ? this.#run(text, data, options, new TextWriter()) : text;
  }

  /** The same with every value escaped for the place in the HTML where it lands. */
  html(
    text: string,
    data: GoValue,
    options: { readonly name?: string; readonly functions?: FunctionMap } = {},
  ): string {
    return this.#run(text, data, options, new HtmlWriter());
  }

  #run(
    text: string,
    data: GoValue,
    { name = '', functions }: { readonly name?: string; readonly functions?: FunctionMap },
    writer: Writer,
  ): string {
    const trees = this.#remembered(name, text);
    execute(name, data, { trees, functions: this.#with(functions), limits: this.#limits, writer });
    return writer.result();
  }

  #with(functions: FunctionMap | undefined): FunctionMap {
    if (functions === undefined) return this.#functions;
    const known = this.#merged.get(functions);
    if (known) return known;
    const merged = { ...this.#functions, ...functions };
    this.#merged.set(functions, merged);
    return merged;
  }

  /** The text and all that it may call. */
  #remembered(name: string, text: string): ReadonlyMap<string, Tree> {
    const key = `${name}\0${text}`;
    const known = this.#parsed.get(key);
    if (known) return known;
    const trees = new Map(this.#trees);
    for (const tree of this.#parse(name, text)) define(trees, tree);
    if (this.#parsed.size >= PARSED_MAX) this.#parsed.clear();
    this.#parsed.set(key, trees);
    return trees;
  }

  #parse(name: string, text: string): readonly Tree[] {
    return parse(name, text, (called) => Object.hasOwn(this.#functions, called));
  }
}

function define(trees: Map<string, Tree>, tree: Tree): void {
  if (trees.has(tree.name) && isEmpty(tree)) return;
  trees.set(tree.name, tree);
}

/** Nothing but white space: a file of definitions. */
function isEmpty(tree: Tree): boolean {
  return tree.body.every((node) => node.kind === 'text' && node.text.trim() === '');
}
