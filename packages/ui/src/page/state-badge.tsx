import styles from './state-badge.module.css';

export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

/** A state in a word, with a colour that repeats what the word says. */
export function StateBadge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return (
    <span className={styles['badge']} data-tone={tone}>
      {children}
    </span>
  );
}
