import type { ReactNode } from 'react';
import styles from './card.module.css';

interface CardProps {
  readonly title: string;
  /** Said small beside the title. */
  readonly note?: ReactNode;
  readonly busy?: boolean;
  /** Room for what is on its way. */
  readonly minHeightPx?: number;
  readonly children: ReactNode;
}

/** A titled surface. `busy` shows that newer values are on their way without hiding the ones there are. */
export function Card({ title, note, busy = false, minHeightPx, children }: CardProps) {
  return (
    <section className={styles['card']} style={{ minHeight: minHeightPx }} aria-label={title} aria-busy={busy}>
      <header className={styles['head']}>
        <h2 className={styles['title']}>{title}</h2>
        {note !== undefined && <span className={styles['note']}>{note}</span>}
      </header>
      {children}
    </section>
  );
}
