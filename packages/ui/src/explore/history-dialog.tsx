import { Button, TextInput } from '@mantine/core';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { Dialog } from '../page/dialog.tsx';
import { Notice } from '../page/notice.tsx';
import styles from './explore.module.css';
import { forgetQueries, loadHistory, searchHistory } from './history.ts';

interface HistoryDialogProps {
  readonly onPick: (expr: string) => void;
  readonly onClose: () => void;
}

/** The queries asked before: type to search, arrows to choose, Enter to run. */
export function HistoryDialog({ onPick, onClose }: HistoryDialogProps) {
  const [history, setHistory] = useState(loadHistory);
  const [text, setText] = useState('');
  const [place, setPlace] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const found = useMemo(() => searchHistory(history, text), [history, text]);
  const chosen = Math.min(place, found.length - 1);

  const pick = (expr: string | undefined) => {
    if (expr === undefined) return;
    onPick(expr);
    onClose();
  };
  const onKeys = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Enter') pick(found[chosen]);
    if (by === 0) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(found.length - 1, chosen + by));
    setPlace(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <Dialog title="Recent queries" onClose={onClose} wide>
      {history.length === 0 ? (
        <Notice title="Nothing yet">Every query you run is remembered here, in this browser only.</Notice>
      ) : (
        <>
          <TextInput
            data-first-focus
            aria-label="Search recent queries"
            role="combobox"
            aria-expanded
            aria-controls="recent-queries"
            aria-activedescendant={`recent-${chosen}`}
            placeholder="Search"
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              setPlace(0);
            }}
            onKeyDown={onKeys}
          />
          <div ref={list} id="recent-queries" className={styles['recent']} role="listbox" aria-label="Recent queries">
            {found.map((expr, i) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the search field's, which keeps the focus.
              <div
                key={expr}
                id={`recent-${i}`}
                role="option"
                tabIndex={-1}
                aria-selected={i === chosen}
                onClick={() => pick(expr)}
                onMouseMove={() => setPlace(i)}
              >
                <code>{expr}</code>
              </div>
            ))}
          </div>
          {found.length === 0 && <Notice title="No recent query has these words" />}
          <div>
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              className="quiet-button"
              onClick={() => {
                forgetQueries();
                setHistory([]);
              }}
            >
              Forget all
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
