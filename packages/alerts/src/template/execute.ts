import { messageOf } from '@tidemark/base';
import { executionFault } from './fault.ts';
import { lineAt } from './lex.ts';
import { Budget, Interruption, LimitExceeded, type TemplateLimits } from './limits.ts';
import {
  type Branch,
  type Command,
  commandText,
  type Node,
  type Operand,
  operandText,
  type Pipe,
  type Tree,
} from './node.ts';
import { printed } from './print.ts';
import {
  entriesOf,
  type FunctionMap,
  GoFunction,
  type GoKind,
  GoNamed,
  type GoValue,
  isKind,
  isTrue,
  itemsOf,
  lookUp,
  sortedKeys,
  typeName,
} from './value.ts';
import type { Writer } from './writer.ts';

// Walks the trees with the data. Nothing here waits: what has to be fetched is fetched before, or interrupts the walk
// (`Interruption`) and is there when the template is walked again from the start.

export interface Execution {
  readonly trees: ReadonlyMap<string, Tree>;
  readonly functions: FunctionMap;
  readonly limits: TemplateLimits;
  readonly writer: Writer;
}

/** Throws `TEMPLATE_FAILED` in Go's words, and whatever `Interruption` a function threw. */
export function execute(name: string, data: GoValue, execution: Execution): void {
  const tree = execution.trees.get(name);
  if (!tree) throw executionFault(`template: no template ${JSON.stringify(name)}`);
  new Interpreter(execution, new Budget(execution.limits)).run(tree, data);
}

/** Put it into a function map as `tmpl`, and a template can be called for its result. */
export const TMPL = new GoFunction(['string', 'any'], () => {
  throw new Error('only the interpreter runs templates');
});

type Leave = 'break' | 'continue' | undefined;

/** There is no value from the stage before. */
const NOTHING = Symbol('nothing');
type Piped = GoValue | typeof NOTHING;

interface Variable {
  readonly name: string;
  value: GoValue;
}

class Interpreter {
  readonly #execution: Execution;
  readonly #budget: Budget;
  #writer: Writer;
  #tree!: Tree;
  #variables: Variable[] = [];
  #depth = 0;

  constructor(execution: Execution, budget: Budget) {
    this.#execution = execution;
    this.#budget = budget;
    this.#writer = execution.writer;
  }

  run(tree: Tree, data: GoValue): void {
    const outside = { tree: this.#tree, variables: this.#variables };
    this.#tree = tree;
    this.#variables = [{ name: '$', value: data }];
    this.#list(tree.body, data);
    this.#tree = outside.tree;
    this.#variables = outside.variables;
  }

  #list(nodes: readonly Node[], dot: GoValue): Leave {
    for (const node of nodes) {
      const leave = this.#node(node, dot);
      if (leave) return leave;
    }
    return undefined;
  }

  #node(node: Node, dot: GoValue): Leave {
    this.#spend(node.at, () => this.#budget.step());
    switch (node.kind) {
      case 'text':
        this.#write(node.at, () => this.#writer.text(node.text));
        return undefined;
      case 'action': {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#write(node.at, () => this.#writer.value(value));
        return undefined;
      }
      case 'if':
      case 'with':
        return this.#scoped(() => this.#condition(node, dot));
      case 'range':
        return this.#scoped(() => this.#range(node, dot));
      case 'template':
        this.#template(node, dot);
        return undefined;
      default:
        return node.kind;
    }
  }

  #write(at: number, write: () => void): void {
    this.#spend(at, () => {
      write();
      this.#budget.text(this.#writer.length);
    });
  }

  /** A limit is told of with the place it was met at. */
  #spend(at: number, spend: () => void): void {
    try {
      spend();
    } catch (error) {
      if (error instanceof LimitExceeded) throw this.#fault(at, '', error.message);
      if (error instanceof Interruption) throw error;
      throw this.#fault(at, '', messageOf(error), error);
    }
  }

  #scoped(walk: () => Leave): Leave {
    const known = this.#variables.length;
    const leave = walk();
    this.#variables.length = known;
    return leave;
  }

  #condition(node: Branch, dot: GoValue): Leave {
    const value = this.#pipe(node.pipe, dot);
    if (isTrue(value)) return this.#list(node.body, node.kind === 'with' ? value : dot);
    return node.otherwise ? this.#list(node.otherwise, dot) : undefined;
  }

  #range(node: Branch, dot: GoValue): Leave {
    const value = this.#pipe(node.pipe, dot);
    let count = 0;
    const known = this.#variables.length;
    for (const [key, item] of this.#pairs(node, value)) {
      count++;
      this.#spend(node.at, () => this.#budget.step());
      this.#setRange(node.pipe, key, item);
      const leave = this.#list(node.body, item);
      this.#variables.length = known;
      if (leave === 'break') break;
    }
    if (count > 0 || !node.otherwise) return undefined;
    return this.#list(node.otherwise, dot);
  }

  *#pairs(node: Branch, value: GoValue): Generator<readonly [GoValue, GoValue]> {
    if (value === undefined) return;
    const items = itemsOf(value);
    const entries = entriesOf(value);
    if (items) {
      for (let i = 0; i < items.length; i++) yield [BigInt(i), items[i]];
    } else if (entries) {
      for (const key of sortedKeys(entries)) yield [key, entries.get(key)];
    } else if (typeof value === 'bigint') {
      for (let i = 0n; i < value; i++) yield [i, i];
    } else {
      throw this.#fault(node.pipe.at, pipeContext(node.pipe), `range can't iterate over ${printed(value)}`);
    }
  }

  #setRange({ variables, assigns }: Pipe, key: GoValue, item: GoValue): void {
    const values = variables.length === 1 ? [item] : [key, item];
    variables.forEach((name, i) => {
      const scope = assigns ? this.#variables : this.#variables.slice(-variables.length);
      const variable = scope.findLast((candidate) => candidate.name === name);
      if (variable) variable.value = values[i];
    });
  }

  #template(node: Node & { readonly kind: 'template' }, dot: GoValue): void {
    const data = node.pipe && this.#pipe(node.pipe, dot);
    const pipe = node.pipe ? ` ${pipeContext(node.pipe)}` : '';
    this.#nested(node.name, data, node.at, `{{template ${JSON.stringify(node.name)}${pipe}}}`);
  }

  #nested(name: string, data: GoValue, at: number, context: string): void {
    const tree = this.#execution.trees.get(name);
    if (!tree) throw this.#fault(at, context, `template ${JSON.stringify(name)} not defined`);
    const { depthMax } = this.#execution.limits;
    if (this.#depth >= depthMax) throw this.#fault(at, context, `exceeded maximum template depth (${depthMax})`);
    this.#depth++;
    this.run(tree, data);
    this.#depth--;
  }

  /** `tmpl "name" data`: what a template makes, as a value. */
  #rendered(called: GoFunction, command: Command, dot: GoValue, piped: Piped): GoValue {
    const outside = this.#writer;
    this.#writer = outside.fresh();
    this.#call(
      new GoFunction(called.params, ([name, data]) => {
        this.#nested(name as string, data, command.at, commandText(command));
        return undefined;
      }),
      'tmpl',
      command.words[0] as Operand,
      command,
      dot,
      piped,
    );
    const value = this.#writer.asValue();
    this.#writer = outside;
    return value;
  }

  #pipe(pipe: Pipe, dot: GoValue): GoValue {
    let value: Piped = NOTHING;
    for (const command of pipe.commands) value = this.#command(command, dot, value);
    const result = value as GoValue;
    for (const name of pipe.variables) {
      if (pipe.assigns) this.#assign(pipe, name, result);
      else this.#variables.push({ name, value: result });
    }
    return result;
  }

  #assign(pipe: Pipe, name: string, value: GoValue): void {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (!variable) throw this.#fault(pipe.commands[0]?.at ?? pipe.at, pipeContext(pipe), `undefined variable: ${name}`);
    variable.value = value;
  }

  #command(command: Command, dot: GoValue, piped: Piped): GoValue {
    const first = command.words[0] as Operand;
    switch (first.kind) {
      case 'function':
        return this.#function(first.name, command, dot, piped);
      case 'field':
        return this.#chain(dot, first, first.names, command, dot, piped);
      case 'variable': {
        const { value } = this.#variable(first);
        const names = first.names.slice(1);
        if (names.length > 0) return this.#chain(value, first, names, command, dot, piped);
        this.#refuseArguments(first, command, piped);
        return value;
      }
      case 'chain':
        return this.#chain(this.#operand(first.of, 'any', dot), first, first.names, command, dot, piped);
      case 'nil':
        throw this.#fault(first.at, 'nil', 'nil is not a command');
      default:
        this.#refuseArguments(first, command, piped);
        return this.#operand(first, 'any', dot);
    }
  }

  #refuseArguments(first: Operand, command: Command, piped: Piped): void {
    if (command.words.length === 1 && piped === NOTHING) return;
    throw this.#fault(first.at, operandText(first), `can't give argument to non-function ${operandText(first)}`);
  }

  #variable(operand: Operand & { readonly kind: 'variable' | 'field' }): Variable {
    const name = operand.names[0] as string;
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (!variable) throw this.#fault(operand.at, operandText(operand), `undefined variable: ${name}`);
    return variable;
  }

  /** `.A.B.C args`: only the last one may have arguments. */
  #chain(
    receiver: GoValue,
    node: Operand,
    names: readonly string[],
    command: Command | undefined,
    dot: GoValue,
    piped: Piped,
  ): GoValue {
    let value = receiver;
    names.forEach((name, i) => {
      const isLast = i === names.length - 1;
      if (value === undefined) {
        if (i === 0) return;
        throw this.#fault(node.at, operandText(node), `nil pointer evaluating interface {}.${name}`);
      }
      value = this.#field(value, name, node, isLast ? command : undefined, dot, isLast ? piped : NOTHING);
    });
    return value;
  }

  #field(
    receiver: GoValue,
    name: string,
    node: Operand,
    command: Command | undefined,
    dot: GoValue,
    piped: Piped,
  ): GoValue {
    if (receiver instanceof GoNamed && Object.hasOwn(receiver.methods, name)) {
      return this.#call(receiver.methods[name] as GoFunction, name, node, command, dot, piped);
    }
    const hasArguments = (command?.words.length ?? 1) > 1 || piped !== NOTHING;
    const fields = receiver instanceof GoNamed ? receiver.fields : undefined;
    const entries = fields ? undefined : entriesOf(receiver);
    if (!fields?.has(name) && !entries) {
      throw this.#fault(node.at, operandText(node), `can't evaluate field ${name} in type ${typeName(receiver)}`);
    }
    if (hasArguments) {
      throw this.#fault(
        node.at,
        operandText(node),
        entries
          ? `${name} is not a method but has arguments`
          : `${name} has arguments but cannot be invoked as function`,
      );
    }
    return entries ? lookUp(receiver, entries, name) : fields?.get(name);
  }

  #function(name: string, command: Command, dot: GoValue, piped: Piped): GoValue {
    const { functions } = this.#execution;
    const called = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!called) throw this.#fault(command.at, name, `${JSON.stringify(name)} is not a defined function`);
    if (called === TMPL) return this.#rendered(called, command, dot, piped);
    if (name === 'and' || name === 'or') return this.#shortCut(name, command, dot, piped);
    return this.#call(called, name, command.words[0] as Operand, command, dot, piped);
  }

  /** The first value that decides, without looking at those after it. */
  #shortCut(name: 'and' | 'or', command: Command, dot: GoValue, piped: Piped): GoValue {
    let value: GoValue;
    let count = 0;
    for (const word of command.words.slice(1)) {
      value = this.#operand(word, 'any', dot);
      count++;
      if (isTrue(value) === (name === 'or')) return value;
    }
    if (piped !== NOTHING) return piped;
    if (count === 0) throw this.#fault(command.at, name, `wrong number of args for ${name}: want at least 1 got 0`);
    return value;
  }

  #call(
    called: GoFunction,
    name: string,
    node: Operand,
    command: Command | undefined,
    dot: GoValue,
    piped: Piped,
  ): GoValue {
    const words = command?.words.slice(1) ?? [];
    const count = words.length + (piped === NOTHING ? 0 : 1);
    const wanted = called.params.length;
    if (count < wanted || (called.rest === undefined && count > wanted)) {
      const want = `${called.rest === undefined ? '' : 'at least '}${wanted}`;
      throw this.#fault(node.at, operandText(node), `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    const args = words.map((word, i) => this.#operand(word, called.paramAt(i) as GoKind, dot));
    if (piped !== NOTHING) args.push(this.#checked(piped, called.paramAt(words.length) as GoKind, node));
    const at = command ?? node;
    const context = () => (command ? commandText(command) : operandText(node));
    try {
      this.#budget.step();
      const result = called.call(args, this.#budget);
      if (typeof result === 'string') this.#budget.text(result.length);
      return result;
    } catch (error) {
      if (error instanceof LimitExceeded) throw this.#fault(at.at, context(), error.message);
      if (error instanceof Interruption) throw error;
      throw this.#fault(at.at, context(), `error calling ${name}: ${messageOf(error)}`, error);
    }
  }

  /** What an operand is worth where `kind` is wanted. */
  #operand(operand: Operand, kind: GoKind, dot: GoValue): GoValue {
    this.#spend(operand.at, () => this.#budget.step());
    switch (operand.kind) {
      case 'constant':
        return this.#constant(operand, kind);
      case 'nil':
        if (kind === 'any') return undefined;
        throw this.#fault(operand.at, 'nil', `cannot assign nil to ${kind}`);
      case 'dot':
        return this.#checked(dot, kind, operand);
      case 'field':
        return this.#checked(this.#chain(dot, operand, operand.names, undefined, dot, NOTHING), kind, operand);
      case 'variable': {
        const { value } = this.#variable(operand);
        const names = operand.names.slice(1);
        return this.#checked(this.#chain(value, operand, names, undefined, dot, NOTHING), kind, operand);
      }
      case 'function':
        return this.#checked(
          this.#function(operand.name, { at: operand.at, words: [operand] }, dot, NOTHING),
          kind,
          operand,
        );
      case 'pipe':
        return this.#checked(this.#pipe(operand.pipe, dot), kind, operand);
      case 'chain': {
        const inner = this.#operand(operand.of, 'any', dot);
        return this.#checked(this.#chain(inner, operand, operand.names, undefined, dot, NOTHING), kind, operand);
      }
    }
  }

  /** A number that is written down is of the kind that is wanted. */
  #constant(operand: Operand & { readonly kind: 'constant' }, kind: GoKind): GoValue {
    const { value, written } = operand;
    if (typeof value === 'bigint' && kind === 'float64') return Number(value);
    if (typeof value === 'number' && kind === 'int' && Number.isInteger(value)) return BigInt(value);
    if (isKind(value, kind)) return value;
    const wanted = kind === 'int' ? 'integer' : kind === 'float64' ? 'float' : kind;
    throw this.#fault(operand.at, written, `expected ${wanted}; found ${written}`);
  }

  #checked(value: GoValue, kind: GoKind, node: Operand): GoValue {
    if (isKind(value, kind)) return value;
    const why =
      value === undefined
        ? `invalid value; expected ${kind}`
        : `wrong type for value; expected ${kind}; got ${typeName(value)}`;
    throw this.#fault(node.at, operandText(node), why);
  }

  #fault(at: number, context: string, why: string, cause?: unknown) {
    const { name, source, text } = this.#tree;
    const lineStart = text.lastIndexOf('\n', at - 1) + 1;
    const column = Buffer.byteLength(text.slice(at === 0 ? 0 : lineStart, at));
    const place = context === '' ? '' : ` at <${context}>`;
    return executionFault(
      `template: ${source}:${lineAt(text, at)}:${column}: executing ${JSON.stringify(name)}${place}: ${why}`,
      cause,
    );
  }
}

function pipeContext(pipe: Pipe): string {
  return pipe.commands.map(commandText).join(' | ');
}
