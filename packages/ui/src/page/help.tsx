import { Kbd } from '@mantine/core';
import { Dialog } from './dialog.tsx';
import styles from './help.module.css';

interface Entry {
  readonly keys: readonly string[];
  readonly does: string;
}

const everywhere: readonly Entry[] = [
  { keys: ['?'], does: 'This help' },
  { keys: ['g', 'o'], does: 'Overview' },
  { keys: ['g', 'e'], does: 'Explore' },
  { keys: ['g', 't'], does: 'Targets' },
  { keys: ['g', 'a'], does: 'Alerts' },
  { keys: ['g', 's'], does: 'Status' },
  { keys: ['/'], does: 'Into the filter, or the editor' },
  { keys: ['↑', '↓'], does: 'From item to item in a list' },
  { keys: ['Esc'], does: 'Close what is open; leave the editor' },
];

const explore: readonly Entry[] = [
  { keys: ['Ctrl', 'Enter'], does: 'Run (also Shift+Enter)' },
  { keys: ['Ctrl', 'Space'], does: 'Complete' },
  { keys: ['n'], does: 'Another query' },
  { keys: ['h'], does: 'Recent queries' },
  { keys: ['r'], does: 'Ask again now' },
  { keys: ['z'], does: 'Undo the last zoom' },
  { keys: ['l'], does: 'Logarithmic axis on and off' },
  { keys: ['v'], does: 'Graph or table' },
];

const pointing: readonly Entry[] = [
  { keys: ['drag'], does: 'Zoom into the range' },
  { keys: ['double click'], does: 'Undo the last zoom' },
  { keys: ['click'], does: 'On a legend line: show or hide its series' },
  { keys: ['Ctrl', 'click'], does: 'On a legend line: show it alone' },
];

function List({ title, entries }: { readonly title: string; readonly entries: readonly Entry[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className={styles['keys']}>
        {entries.map((entry) => (
          <div key={entry.does}>
            <dt>
              {entry.keys.map((key) => (
                <Kbd key={key} size="xs">
                  {key}
                </Kbd>
              ))}
            </dt>
            <dd>{entry.does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function Help({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} wide>
      <div className={styles['columns']}>
        <List title="Everywhere" entries={everywhere} />
        <List title="Explore" entries={explore} />
        <List title="Charts" entries={pointing} />
      </div>
    </Dialog>
  );
}
