import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useEffect, useRef } from 'react';
import { apiPrefix } from '../api/call.ts';
import { editorStyle } from './editor-style.ts';
import styles from './explore.module.css';

interface EditorProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly onRun: () => void;
}

/** Label names and values are completed from series of the last hour: what exists now, found quickly. */
const completionLookbackMs = 3_600_000;

/** A compartment, because the label changes with the query's place. */
const labelled = new Compartment();
const named = (label: string) => EditorView.contentAttributes.of({ 'aria-label': label });

function leave(view: EditorView): boolean {
  view.contentDOM.blur();
  return true;
}

function promql(): PromQLExtension {
  // GET, so that a read-only proxy in front lets completion through as it does queries.
  return new PromQLExtension().setComplete({
    remote: { apiPrefix: apiPrefix(), httpMethod: 'GET', lookbackInterval: completionLookbackMs },
  });
}

/** A PromQL editor. Shift+Enter or Ctrl+Enter (Cmd on a Mac) runs; Enter is a new line; Ctrl+Space completes; Escape leaves. */
export function Editor({ label, value, onChange, onRun }: EditorProps) {
  const holder = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, onRun });
  latest.current = { onChange, onRun };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; later values are written into it below.
  useEffect(() => {
    const language = promql();
    const run = (editor: EditorView) => {
      // What was asked needs no completion any more, and the list would lie over the answer.
      closeCompletion(editor);
      latest.current.onRun();
      return true;
    };
    const made = new EditorView({
      parent: holder.current as HTMLDivElement,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: 'Shift-Enter', run },
              { key: 'Mod-Enter', run },
              { key: 'Ctrl-Enter', run },
            ]),
          ),
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...historyKeymap,
            ...lintKeymap,
            // After all that an open list of completions wants of it: out, so that Tab and the page's keys are free.
            { key: 'Escape', run: leave },
            ...defaultKeymap,
          ]),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          language.asExtension(),
          placeholder('PromQL, for example node_load1'),
          EditorView.lineWrapping,
          labelled.of(named(label)),
          EditorView.contentAttributes.of({
            spellcheck: 'false',
            autocapitalize: 'off',
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
          editorStyle,
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      language.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    const current = view.current?.state.doc.toString();
    if (current !== undefined && current !== value) {
      view.current?.dispatch({ changes: { from: 0, to: current.length, insert: value } });
    }
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: labelled.reconfigure(named(label)) });
  }, [label]);

  return <div ref={holder} className={styles['editor']} />;
}
