import type { GoValue } from './value.ts';

// A parsed template. `at` is an offset in the text it was parsed from.

export interface Tree {
  /** The name it is called by. */
  readonly name: string;
  /** The name of the text it stood in, for messages. */
  readonly source: string;
  readonly text: string;
  readonly body: readonly Node[];
}

export type Node =
  | { readonly kind: 'text'; readonly at: number; readonly text: string }
  | { readonly kind: 'action'; readonly at: number; readonly pipe: Pipe }
  | Branch
  | { readonly kind: 'template'; readonly at: number; readonly name: string; readonly pipe: Pipe | undefined }
  | { readonly kind: 'break' | 'continue'; readonly at: number };

export interface Branch {
  readonly kind: 'if' | 'with' | 'range';
  readonly at: number;
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

export interface Pipe {
  readonly at: number;
  /** `$x :=`, `$x =`, or the two of a range. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly at: number;
  readonly words: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'constant'; readonly at: number; readonly value: GoValue; readonly written: string }
  | { readonly kind: 'nil' | 'dot'; readonly at: number }
  /** `$x.A.B`; the first of `names` is the variable's. */
  | { readonly kind: 'variable' | 'field'; readonly at: number; readonly names: readonly string[] }
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  | { readonly kind: 'pipe'; readonly at: number; readonly pipe: Pipe }
  /** `(...).A.B` */
  | { readonly kind: 'chain'; readonly at: number; readonly of: Operand; readonly names: readonly string[] };

/** As Go writes it in messages. */
export function operandText(node: Operand): string {
  switch (node.kind) {
    case 'constant':
      return node.written;
    case 'nil':
      return 'nil';
    case 'dot':
      return '.';
    case 'variable':
      return node.names.join('.');
    case 'field':
      return node.names.map((name) => `.${name}`).join('');
    case 'function':
      return node.name;
    case 'pipe':
      return `(${pipeText(node.pipe)})`;
    case 'chain':
      return `${operandText(node.of)}${node.names.map((name) => `.${name}`).join('')}`;
  }
}

export function commandText(command: Command): string {
  return command.words.map(operandText).join(' ');
}

export function pipeText(pipe: Pipe): string {
  const names = pipe.variables.length > 0 ? `${pipe.variables.join(', ')} ${pipe.assigns ? '=' : ':='} ` : '';
  return names + pipe.commands.map(commandText).join(' | ');
}
