import type { Labels } from '../api/types.ts';
import styles from './label-list.module.css';

interface LabelListProps {
  readonly labels: Labels;
  /** Names told elsewhere. */
  readonly without?: readonly string[];
  /** Called with a matcher, `name="value"`, when a label is pressed. */
  readonly onPick?: (matcher: string) => void;
}

/** Labels as small tokens; with `onPick` each is a button that filters by it. */
export function LabelList({ labels, without = [], onPick }: LabelListProps) {
  const shown = Object.entries(labels).filter(([name]) => !without.includes(name));
  return (
    <ul className={styles['labels']} aria-label="Labels">
      {shown.map(([name, value]) => (
        <li key={name}>
          {onPick === undefined ? (
            <span className={styles['label']}>
              <i>{name}</i> {value}
            </span>
          ) : (
            <button
              type="button"
              className={styles['label']}
              title={`Only ${name}=${JSON.stringify(value)}`}
              onClick={() => onPick(`${name}=${JSON.stringify(value)}`)}
            >
              <i>{name}</i> {value}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
