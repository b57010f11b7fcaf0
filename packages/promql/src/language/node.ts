import type { SyntaxNode } from '@lezer/common';
import type { Position } from './ast.ts';

// Looking at lezer's syntax nodes. Comments are nowhere among the children.

export function childrenOfNode(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.name !== 'LineComment') children.push(child);
  }
  return children;
}

export function childNamed(node: SyntaxNode, name: string): SyntaxNode | undefined {
  return childrenOfNode(node).find((child) => child.name === name);
}

export function textOf(text: string, node: SyntaxNode): string {
  return text.slice(node.from, node.to);
}

export function positionOf(node: SyntaxNode): Position {
  return { start: node.from, end: node.to };
}
