import { SegmentedControl, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { arrowIntoList } from './arrow-list.ts';
import styles from './filter-bar.module.css';

export interface Choice {
  /** Empty for all. */
  readonly value: string;
  readonly label: string;
  readonly count: number | undefined;
}

interface FilterBarProps {
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly state: string;
  readonly onState: (state: string) => void;
  readonly find: string;
  readonly onFind: (find: string) => void;
  readonly placeholder: string;
  /** Why `find` can't be used; shown beneath it. */
  readonly problem?: string | undefined;
  readonly children?: ReactNode;
}

/** A list's two filters: by state, with counts, and by text. Escape empties the text, then leaves the field. */
export function FilterBar(props: FilterBarProps) {
  const { choices, state, find, onFind } = props;
  return (
    <search className={styles['bar']} data-many={choices.length > 5 || undefined} aria-label={props.label}>
      <SegmentedControl
        size="sm"
        withItemsBorders={false}
        aria-label={`${props.label} by state`}
        value={choices.some((choice) => choice.value === state) ? state : ''}
        data={choices.map(({ value, label, count }) => ({
          value,
          label: (
            <span className={styles['choice']}>
              {label}
              {count !== undefined && <span className={styles['count']}>{count.toLocaleString('en')}</span>}
            </span>
          ),
        }))}
        onChange={props.onState}
      />
      <TextInput
        data-search
        className={styles['find'] ?? ''}
        size="sm"
        type="search"
        aria-label={`${props.label} by text`}
        placeholder={props.placeholder}
        value={find}
        error={props.problem}
        onChange={(event) => onFind(event.currentTarget.value)}
        onKeyDown={(event) => {
          arrowIntoList(event);
          if (event.key !== 'Escape') return;
          event.preventDefault();
          if (find === '') event.currentTarget.blur();
          else onFind('');
        }}
      />
      {props.children}
    </search>
  );
}
