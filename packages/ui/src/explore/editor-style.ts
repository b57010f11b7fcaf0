import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

// The editor in the page's colours. Token colours are variables set per scheme in query.module.css, so a change of scheme
// needs no new editor.

const tokens = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--token-keyword)', fontWeight: '600' },
  { tag: tags.function(tags.variableName), color: 'var(--token-function)' },
  { tag: tags.variableName, color: 'var(--token-metric)' },
  { tag: tags.labelName, color: 'var(--token-label)' },
  { tag: tags.string, color: 'var(--token-string)' },
  { tag: [tags.number, tags.special(tags.variableName)], color: 'var(--token-number)' },
  { tag: tags.comment, color: 'var(--page-muted)', fontStyle: 'italic' },
  { tag: [tags.operator, tags.arithmeticOperator, tags.compareOperator], color: 'var(--page-soft)' },
  { tag: tags.invalid, color: 'var(--page-bad)' },
]);

const face = EditorView.theme({
  '&': { fontSize: '14px', backgroundColor: 'transparent', color: 'var(--page-text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.55', maxHeight: '40vh' },
  '.cm-content': { padding: '9px 0', caretColor: 'var(--page-text)' },
  '.cm-line': { padding: '0 12px' },
  '.cm-cursor': { borderLeftColor: 'var(--page-text)' },
  '.cm-placeholder': { color: 'var(--page-muted)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection': {
    backgroundColor: 'color-mix(in srgb, var(--mantine-primary-color-filled) 30%, transparent) !important',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--page-track)', outline: '1px solid var(--page-border)' },
  '.cm-tooltip': {
    border: '1px solid var(--page-border)',
    borderRadius: '6px',
    backgroundColor: 'var(--page-raised)',
    color: 'var(--page-text)',
    boxShadow: '0 6px 20px rgb(0 0 0 / 18%)',
    maxWidth: 'min(640px, 94vw)',
  },
  // A tooltip begins where the font's box ends; without room it covers the underscores it completes.
  '.cm-tooltip.cm-tooltip-below': { marginTop: '4px' },
  '.cm-tooltip.cm-tooltip-above': { marginBottom: '4px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mantine-font-family-monospace)',
    maxHeight: '320px',
    minWidth: 'min(280px, 80vw)',
  },
  '.cm-tooltip-autocomplete > ul > li': {
    padding: '3px 8px !important',
    display: 'flex',
    alignItems: 'center',
    gap: '4px',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--mantine-primary-color-filled)',
    color: '#fff',
  },
  '.cm-completionLabel': { overflow: 'hidden', textOverflow: 'ellipsis', lineHeight: '1.6' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': {
    marginLeft: 'auto',
    paddingLeft: '16px',
    fontStyle: 'normal',
    opacity: '0.7',
    fontFamily: 'var(--mantine-font-family)',
  },
  '.cm-tooltip.cm-completionInfo': { padding: '8px 12px', maxWidth: '340px', fontSize: '13px' },
  '.cm-diagnostic': { padding: '6px 10px', fontSize: '13px' },
});

export const editorStyle = [face, syntaxHighlighting(tokens)];
