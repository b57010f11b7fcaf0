import type { ReactNode } from 'react';
import styles from './card.module.css';

interface CardProps {
  readonly title: string;
  /** Said small beside the title. */
  readonly note?: ReactNode;
  readonly busy?: boolean;
  readonly children: ReactNode;
}

/** A titled surface. `busy` shows that newer values are on their way without hiding the ones there are. */
export function Card({ title, note, busy = false, children }: CardProps) {
  return (
    <section className={styles['card']} aria-label={title} aria-busy={busy}>
      <header className={styles['head']}>
        <h2 className={styles['title']}>{title}</h2>
        {note !== undefined && <span className={styles['note']}>{note}</span>}
      </header>
      {children}
    </section>
  );
}
