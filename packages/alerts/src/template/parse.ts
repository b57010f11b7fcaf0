import { numberOf, unquote } from './constant.ts';
import { parseFault } from './fault.ts';
import { lex, lineAt, type Token } from './lex.ts';
import type { Branch, Command, Node, Operand, Pipe, Tree } from './node.ts';

// From tokens to trees, by Go's grammar and with its complaints.
//
//   action   := pipe | if pipe | range pipe | with pipe | else [if|with pipe] | end | template "name" [pipe]
//             | define "name" | block "name" pipe | break | continue
//   pipe     := [$x [, $y] (:= | =)] command { '|' command }
//   command  := operand { space operand }
//   operand  := term { .Field }
//   term     := constant | nil | . | .Field | $variable | function | '(' pipe ')'
//
// Names of variables and functions are checked here, names of templates only when they are called: they may come later.

// Deeper nesting is nobody's template, and would use up the stack.
const NESTING_MAX = 200;

/** The text's own tree first, then those it defines. Throws `TEMPLATE_INVALID`. */
export function parse(name: string, text: string, hasFunction: (name: string) => boolean): readonly Tree[] {
  return new Parser(name, text, hasFunction).trees();
}

type Stop = 'end' | 'else';

class Parser {
  readonly #name: string;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #hasFunction: (name: string) => boolean;
  readonly #defined: Tree[] = [];
  #next = 0;
  #variables: string[] = ['$'];
  #ranges = 0;
  #nesting = 0;

  constructor(name: string, text: string, hasFunction: (name: string) => boolean) {
    this.#name = name;
    this.#text = text;
    this.#tokens = lex(name, text);
    this.#hasFunction = hasFunction;
  }

  trees(): readonly Tree[] {
    const body: Node[] = [];
    while (this.#peek().kind !== 'end') {
      const node = this.#isDefine() ? this.#define() : this.#textOrAction();
      if (node === 'end' || node === 'else') throw this.#fault(`unexpected {{${node}}}`);
      if (node !== undefined) body.push(node);
    }
    return [this.#tree(this.#name, body), ...this.#defined];
  }

  #tree(name: string, body: readonly Node[]): Tree {
    return { name, source: this.#name, text: this.#text, body };
  }

  #isDefine(): boolean {
    const [open, word] = [this.#tokens[this.#next], this.#tokens[this.#next + 1]];
    return open?.kind === 'open' && word?.kind === 'keyword' && word.text === 'define';
  }

  #define(): undefined {
    this.#next += 2;
    const name = this.#templateName('define clause');
    this.#expect('close', 'define clause');
    const outside = { variables: this.#variables, ranges: this.#ranges };
    this.#variables = ['$'];
    this.#ranges = 0;
    const { nodes, stop } = this.#list();
    if (stop !== 'end') throw this.#fault('unexpected {{else}} in define clause');
    this.#variables = outside.variables;
    this.#ranges = outside.ranges;
    this.#defined.push(this.#tree(name, nodes));
    return undefined;
  }

  /** Up to {{end}} or {{else}}, which are taken, but not what follows `else`. */
  #list(): { readonly nodes: readonly Node[]; readonly stop: Stop } {
    if (++this.#nesting > NESTING_MAX) throw this.#fault(`more than ${NESTING_MAX} levels of nesting`);
    const nodes: Node[] = [];
    for (;;) {
      if (this.#peek().kind === 'end') throw this.#fault('unexpected EOF');
      const node = this.#textOrAction();
      if (node === 'end' || node === 'else') {
        this.#nesting--;
        return { nodes, stop: node };
      }
      nodes.push(node);
    }
  }

  #textOrAction(): Node | Stop {
    const token = this.#take();
    if (token.kind === 'text') return { kind: 'text', at: token.at, text: token.text };
    const first = this.#peek();
    if (first.kind !== 'keyword' || first.text === 'nil') {
      return { kind: 'action', at: token.at, pipe: this.#pipe('command', 'close') };
    }
    this.#next++;
    switch (first.text) {
      case 'end':
        this.#expect('close', 'end');
        return 'end';
      case 'else':
        return 'else';
      case 'if':
      case 'with':
      case 'range':
        return this.#branch(first.text, first.at);
      case 'block':
        return this.#block();
      case 'template':
        return this.#template();
      case 'break':
      case 'continue':
        this.#expect('close', `{{${first.text}}}`);
        if (this.#ranges === 0) throw this.#fault(`{{${first.text}}} outside {{range}}`);
        return { kind: first.text, at: first.at };
      default:
        throw this.#unexpected(first, 'command');
    }
  }

  #branch(kind: Branch['kind'], at: number): Branch {
    const known = this.#variables.length;
    const pipe = this.#pipe(kind, 'close');
    if (kind === 'range') this.#ranges++;
    const { nodes: body, stop } = this.#list();
    if (kind === 'range') this.#ranges--;
    const otherwise = stop === 'else' ? this.#otherwise(kind) : undefined;
    this.#variables.length = known;
    return { kind, at, pipe, body, otherwise };
  }

  #otherwise(kind: Branch['kind']): readonly Node[] {
    const token = this.#peek();
    // {{else if}} stands for {{else}}{{if}}, and shares its {{end}}.
    if (token.kind === 'keyword' && token.text === kind && kind !== 'range') {
      this.#next++;
      return [this.#branch(kind, token.at)];
    }
    this.#expect('close', 'else');
    const { nodes, stop } = this.#list();
    if (stop === 'else') throw this.#fault(`expected end; found {{else}}`);
    return nodes;
  }

  #block(): Node {
    const { at } = this.#peek();
    const name = this.#templateName('block clause');
    const pipe = this.#pipe('block clause', 'close');
    const outside = { variables: this.#variables, ranges: this.#ranges };
    this.#variables = ['$'];
    this.#ranges = 0;
    const { nodes, stop } = this.#list();
    if (stop !== 'end') throw this.#fault('unexpected {{else}} in block clause');
    this.#variables = outside.variables;
    this.#ranges = outside.ranges;
    this.#defined.push(this.#tree(name, nodes));
    return { kind: 'template', at, name, pipe };
  }

  #template(): Node {
    const { at } = this.#peek();
    const name = this.#templateName('template clause');
    if (this.#peek().kind === 'close') {
      this.#next++;
      return { kind: 'template', at, name, pipe: undefined };
    }
    return { kind: 'template', at, name, pipe: this.#pipe('template clause', 'close') };
  }

  #templateName(context: string): string {
    const token = this.#take();
    if (token.kind !== 'string') throw this.#unexpected(token, context);
    return this.#quoted(token) as string;
  }

  #pipe(context: string, end: 'close' | ')'): Pipe {
    if (++this.#nesting > NESTING_MAX) throw this.#fault(`more than ${NESTING_MAX} levels of nesting`);
    const { at } = this.#peek();
    const { variables, assigns } = this.#declaration(context);
    const commands: Command[] = [];
    while (!this.#isEnd(end)) {
      const token = this.#peek();
      if (token.kind === 'end' || token.kind === 'keyword' || token.kind === 'close') {
        if (token.text !== 'nil') throw this.#unexpected(token, context);
      }
      if (token.kind === 'mark' && token.text !== '(') throw this.#unexpected(token, context);
      commands.push(this.#command());
    }
    this.#next++;
    this.#checkCommands(commands, context);
    this.#nesting--;
    return { at, variables, assigns, commands };
  }

  #isEnd(end: 'close' | ')'): boolean {
    const token = this.#peek();
    return end === 'close' ? token.kind === 'close' : token.kind === 'mark' && token.text === ')';
  }

  #declaration(context: string): { readonly variables: readonly string[]; readonly assigns: boolean } {
    const variables: string[] = [];
    for (;;) {
      const token = this.#peek();
      const mark = this.#tokens[this.#next + 1];
      if (token.kind !== 'variable' || mark?.kind !== 'mark') break;
      if (mark.text === ':=' || mark.text === '=') {
        this.#next += 2;
        variables.push(token.text);
        this.#variables.push(...variables);
        return { variables, assigns: mark.text === '=' };
      }
      if (mark.text !== ',') break;
      if (context !== 'range' || variables.length > 0) throw this.#fault(`too many declarations in ${context}`);
      this.#next += 2;
      variables.push(token.text);
      if (this.#peek().kind !== 'variable') throw this.#fault('range can only initialize variables');
    }
    if (variables.length > 0) throw this.#fault('range can only initialize variables');
    return { variables, assigns: false };
  }

  #checkCommands(commands: readonly Command[], context: string): void {
    if (commands.length === 0) throw this.#fault(`missing value for ${context}`);
    commands.forEach(({ words }, i) => {
      const kind = words[0]?.kind;
      if (i > 0 && (kind === 'constant' || kind === 'dot' || kind === 'nil')) {
        throw this.#fault(`non executable command in pipeline stage ${i + 1}`);
      }
    });
  }

  #command(): Command {
    const words: Operand[] = [];
    const { at } = this.#peek();
    for (;;) {
      const operand = this.#operand();
      if (operand) words.push(operand);
      const token = this.#peek();
      if (token.kind === 'close' || (token.kind === 'mark' && token.text === ')')) break;
      if (token.kind === 'mark' && token.text === '|') {
        this.#next++;
        break;
      }
      if (!token.spaced || !operand) throw this.#unexpected(token, 'operand');
    }
    if (words.length === 0) throw this.#fault('empty command');
    return { at, words };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (!term) return undefined;
    const names: string[] = [];
    const written = this.#text.slice(term.at, this.#endOfLast());
    const { at } = this.#peek();
    while (this.#peek().kind === 'field' && !this.#peek().spaced) names.push(this.#take().text.slice(1));
    if (names.length === 0) return term;
    if (term.kind === 'field' || term.kind === 'variable') return { ...term, at, names: [...term.names, ...names] };
    if (term.kind === 'constant' || term.kind === 'nil' || term.kind === 'dot') {
      throw this.#fault(`unexpected . after term ${JSON.stringify(written)}`);
    }
    return { kind: 'chain', at, of: term, names };
  }

  #term(): Operand | undefined {
    const token = this.#peek();
    const { at, text } = token;
    if (token.kind === 'mark' && text !== '(') return undefined;
    if (token.kind === 'close' || token.kind === 'end' || (token.kind === 'keyword' && text !== 'nil'))
      return undefined;
    this.#next++;
    switch (token.kind) {
      case 'word':
        if (!this.#hasFunction(text)) throw this.#fault(`function ${JSON.stringify(text)} not defined`);
        return { kind: 'function', at, name: text };
      case 'dot':
        return { kind: 'dot', at };
      case 'field':
        return { kind: 'field', at, names: [text.slice(1)] };
      case 'variable':
        if (!this.#variables.includes(text)) throw this.#fault(`undefined variable ${JSON.stringify(text)}`);
        return { kind: 'variable', at, names: [text] };
      case 'mark':
        return { kind: 'pipe', at, pipe: this.#pipe('parenthesized pipeline', ')') };
      case 'keyword':
        return { kind: 'nil', at };
      case 'bool':
        return { kind: 'constant', at, value: text === 'true', written: text };
      default:
        return { kind: 'constant', at, value: this.#constant(token), written: text };
    }
  }

  #constant(token: Token): string | bigint | number {
    if (token.kind !== 'number') return this.#quoted(token);
    const value = numberOf(token.text);
    if (typeof value === 'string') throw this.#fault(value);
    return value;
  }

  #quoted(token: Token): string | bigint {
    const value = unquote(token.text);
    if (value === undefined) throw this.#fault('invalid syntax');
    if (token.kind === 'string') return value;
    const [character, ...more] = value;
    if (character === undefined || more.length > 0) {
      throw this.#fault(`malformed character constant: ${token.text}`);
    }
    return BigInt(character.codePointAt(0) as number);
  }

  #endOfLast(): number {
    const last = this.#tokens[this.#next - 1] as Token;
    return last.at + last.text.length;
  }

  #expect(kind: Token['kind'], context: string): void {
    const token = this.#take();
    if (token.kind !== kind) throw this.#unexpected(token, context);
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #unexpected(token: Token, context: string) {
    const shown =
      token.kind === 'end' ? 'EOF' : token.kind === 'keyword' ? `<${token.text}>` : JSON.stringify(token.text);
    return this.#fault(`unexpected ${shown} in ${context}`);
  }

  #fault(why: string) {
    const at = this.#tokens[Math.max(0, this.#next - 1)]?.at ?? 0;
    return parseFault(this.#name, lineAt(this.#text, at), why);
  }
}
